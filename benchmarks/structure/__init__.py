"""The structure of the code, measured: the depth of its calls, and the length of functions, files and import chains."""
