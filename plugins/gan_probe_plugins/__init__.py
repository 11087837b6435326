"""The built-in analyses of gan-probe, one file each, through the same entry points as anybody's."""
