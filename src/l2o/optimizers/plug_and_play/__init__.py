"""Methods that restore pictures, plug-and-play and classical ones, one file each."""
