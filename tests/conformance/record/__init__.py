"""Recording traces of real kernels, with the script that ``trace setup`` prints."""
