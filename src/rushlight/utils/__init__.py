"""Tools around tensors: data loading, checkpointing, trees and more, after ``torch.utils``."""
