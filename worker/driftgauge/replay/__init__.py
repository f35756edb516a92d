"""History through the engine: sources read in turns, counted and judged, here or in processes beside this one."""
