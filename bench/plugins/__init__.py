"""The folder that our own server loads its plugin from (`BONSAI_PLUGINS_DIR`)."""
