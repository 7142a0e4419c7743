"""What a first lesson on tensors shows: creation, attributes, indexing, joining, arithmetic, the bridge to NumPy."""

import numpy as np
import torch

data = [[1, 2], [3, 4]]
x_data = torch.tensor(data)
x_np = torch.from_numpy(np.array(data))
print(x_data, x_np, torch.ones_like(x_data))
torch.manual_seed(1)
print(torch.rand_like(x_data, dtype=torch.float))
shape = (2, 3)
print(torch.rand(shape), torch.ones(shape), torch.zeros(shape), sep="\n")
tensor = torch.rand(3, 4)
print(tensor.shape, tensor.dtype, tensor.device)
device = torch.accelerator.current_accelerator().type if torch.accelerator.is_available() else "cpu"
tensor = torch.ones(4, 4).to(device)
print(tensor[0], tensor[:, 0], tensor[..., -1])
tensor[:, 1] = 0
print(tensor)
t1 = torch.cat([tensor, tensor, tensor], dim=1)
print(t1)
y1 = tensor @ tensor.T
y2 = tensor.matmul(tensor.T)
y3 = torch.rand_like(y1)
torch.matmul(tensor, tensor.T, out=y3)
print(torch.equal(y1, y2), torch.equal(y1, y3))
z1 = tensor * tensor
z3 = torch.rand_like(tensor)
torch.mul(tensor, tensor, out=z3)
print(torch.equal(z1, z3), z1.equal(tensor.mul(tensor)))
agg = tensor.sum()
print(agg.item(), type(agg.item()))
tensor.add_(5)
print(tensor)
t = torch.ones(5)
n = t.numpy()
t.add_(1)
print(t, n)
n = np.ones(5)
t = torch.from_numpy(n)
np.add(n, 1, out=n)
print(t, n)
print(torch.arange(0, 1, 0.25), torch.linspace(0, 1, 5), torch.eye(2), torch.full((2,), 7), torch.empty(0))
print(
    torch.tensor([1.0, 2.5]).int(), torch.tensor([0, 3]).bool(), torch.tensor(3.7).long(), torch.tensor([1e10, 1e-10])
)
print(torch.stack([torch.arange(3), torch.arange(3)]), torch.arange(6).view(2, 3).permute(1, 0).contiguous().stride())
print(torch.arange(24).reshape(2, 3, 4)[1, 1:, ::2], torch.arange(5).flip(0), torch.arange(6).unfold(0, 2, 2))
u, i = torch.tensor([3, 1, 2]).sort(descending=True)
print(u, i, torch.tensor([[1, 5], [7, 2]]).max(dim=1), torch.where(torch.tensor([True, False]), 1.0, 2.0))
print(torch.tensor([1.0, float("nan"), float("inf")]), torch.tensor([True, False]), torch.tensor([1 + 2j]))
print(
    torch.randint(0, 10, (3,)),
    torch.randperm(5),
    torch.normal(0.0, 1.0, (2, 2)),
    torch.bernoulli(torch.full((4,), 0.5)),
)
a = torch.arange(4.0)
b = a.view(2, 2)
b[0, 0] = 9
print(a, b.is_contiguous(), b.t().is_contiguous(), a.data_ptr() == b.data_ptr(), a.storage().size())
try:
    torch.ones(2, 3) @ torch.ones(2, 3)
except RuntimeError as error:
    print(error)
try:
    torch.ones(3) + torch.ones(4)
except RuntimeError as error:
    print(str(error).split(":")[0])
