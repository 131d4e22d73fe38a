"""From finished runs to tables, figures, grids and pages."""
