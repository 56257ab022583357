"""What runs a model: LiteRT, ONNX Runtime, TensorFlow."""
