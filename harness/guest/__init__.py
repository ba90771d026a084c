"""The guest as its VCPU's task runs it: its CPU (``cpu``) and its interrupt handlers."""
