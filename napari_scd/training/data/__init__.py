"""From cases on disk to random training windows on the device."""
