# Two images, made by the commands that make a clone: docs/install.md.
#   docker build --tag mmvg .                        nothing compiled, no compiler inside
#   docker build --tag mmvg:cuda --target cuda .     mmcv's ops compiled for CUDA
ARG PYTHON=3.11
ARG CUDA=13.0.1

# CUDA's version is the one that torch of requirements/constraints-ops.txt is built for.
FROM nvidia/cuda:${CUDA}-devel-ubuntu24.04 AS cuda
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ make python3 python3-dev python3-venv \
    && rm -rf /var/lib/apt/lists/*
ENV PIP_NO_CACHE_DIR=1 UV_NO_CACHE=1
# No GPU is visible while an image is built: what mmcv compiles for is said here, Turing to Hopper.
ENV FORCE_CUDA=1
ARG TORCH_CUDA_ARCH_LIST="7.5;8.0;8.6;8.9;9.0+PTX"
WORKDIR /mmvg
COPY . .
RUN make install OPS=1
ENV PATH=/mmvg/.venv/bin:$PATH
CMD ["mmvg", "--help"]

# The last stage is what docker build makes when no target is named.
FROM python:${PYTHON}-slim AS cpu
RUN apt-get update \
    && apt-get install --yes --no-install-recommends make \
    && rm -rf /var/lib/apt/lists/*
ENV PIP_NO_CACHE_DIR=1 UV_NO_CACHE=1
WORKDIR /mmvg
COPY . .
RUN make install OPS=0
ENV PATH=/mmvg/.venv/bin:$PATH
CMD ["mmvg", "--help"]
