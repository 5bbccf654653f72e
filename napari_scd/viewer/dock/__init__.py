"""The dock itself: Qt widgets, the worker thread, mouse and keys."""
