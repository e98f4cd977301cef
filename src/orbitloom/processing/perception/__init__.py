"""Our small networks under discipline: manifests, drift watch, novelty, signed small updates."""
