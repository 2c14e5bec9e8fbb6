"""The engine on llama.cpp's own server."""
