"""What turns images or sentences into embeddings: networks, ONNX models, color histograms."""
