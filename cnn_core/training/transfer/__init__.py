"""The experiment: the same pictures, the same split, the same seed; frozen against fine-tuned against scratch."""
