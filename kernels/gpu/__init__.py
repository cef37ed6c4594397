"""Every operation on an NVIDIA GPU: hand-written CUDA kernels, cuBLAS and cuSOLVER, through CuPy."""
