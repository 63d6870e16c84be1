"""Reads a safetensors file with the reference implementation and writes it with every tensor
doubled (BOOL: negated), its metadata kept and one entry added."""

import sys

import numpy
from safetensors import safe_open
from safetensors.numpy import save_file

source, target = sys.argv[1:]
with safe_open(source, "np") as file:
    metadata = dict(file.metadata())
    tensors = {name: file.get_tensor(name) for name in file.keys()}
doubled = {
    name: numpy.asarray(~tensor if tensor.dtype == bool else tensor + tensor, tensor.dtype)
    for name, tensor in tensors.items()
}
save_file(doubled, target, metadata | {"writer": "python"})
