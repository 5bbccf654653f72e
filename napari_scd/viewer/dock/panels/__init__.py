"""The dock's panels: each shows a part of the choices and emits signals; none knows another."""
