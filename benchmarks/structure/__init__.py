"""How the house is built, measured: how deep its calls go, and how long its functions, files and import chains are."""
