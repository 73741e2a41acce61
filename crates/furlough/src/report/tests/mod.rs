//! What a page says, and that nothing gets out of its place in it.
