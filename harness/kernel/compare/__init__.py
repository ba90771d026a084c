"""What guests saw on a real kernel, held against what the model allows."""
