//! The hosts screen, by keys and by its looks.
