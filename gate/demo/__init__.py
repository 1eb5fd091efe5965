"""The demo: real photographs, synthesised camera passages, a real engine over real gRPC, every outcome checked."""
