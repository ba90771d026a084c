"""The guest's own view: it cannot tell its GIC from one without virtualisation, but for delay."""
