"""Stochastic weight averaging and exponential moving averages, batch norm's statistics updated, schedulers chained, states saved."""

import copy
import io

import torch
from torch import nn
from torch.optim.lr_scheduler import ConstantLR, CosineAnnealingLR, CosineAnnealingWarmRestarts, LinearLR, SequentialLR
from torch.optim.swa_utils import SWALR, AveragedModel, get_ema_multi_avg_fn, update_bn

torch.manual_seed(0)
X = torch.randn(96, 5)
Y = (X[:, :1] * X[:, 1:2] + X[:, 2:3].sin()).squeeze(1)
loader = torch.utils.data.DataLoader(list(zip(X, Y)), batch_size=24, shuffle=True)
model = nn.Sequential(nn.Linear(5, 16), nn.BatchNorm1d(16), nn.GELU(), nn.Linear(16, 1), nn.Flatten(0))
swa, ema = AveragedModel(model), AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9), use_buffers=True)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
warm = SequentialLR(
    optimizer, [LinearLR(optimizer, 0.1, total_iters=3), CosineAnnealingLR(optimizer, 5)], milestones=[3]
)
swa_schedule = SWALR(optimizer, anneal_strategy="linear", anneal_epochs=2, swa_lr=0.02)
for epoch in range(10):
    total = 0.0
    for x, y in loader:
        optimizer.zero_grad()
        loss = nn.functional.huber_loss(model(x), y)
        loss.backward()
        optimizer.step()
        ema.update_parameters(model)
        total += loss.item()
    if epoch > 5:
        swa.update_parameters(model)
        swa_schedule.step()
    else:
        warm.step()
    print(f"{epoch} {total:.6f} {optimizer.param_groups[0]['lr']:.6f}")
update_bn([x for x, _ in loader], swa)
for name, m in [("model", model), ("swa", swa), ("ema", ema)]:
    m.eval()
    with torch.no_grad():
        print(f"{name} {nn.functional.mse_loss(m(X), Y).item():.6f}")
print(int(swa.n_averaged), list(swa.state_dict())[:3])

buffer = io.BytesIO()
torch.save([model.state_dict(), optimizer.state_dict()], buffer)
buffer.seek(0)
weights, state = torch.load(buffer)
twin = copy.deepcopy(model)
twin.load_state_dict(weights)
other = torch.optim.SGD(twin.parameters(), lr=1.0)
other.load_state_dict(state)
for m, o in [(model, optimizer), (twin, other)]:
    m.train()
    o.zero_grad()
    nn.functional.mse_loss(m(X), Y).backward()
    o.step()
print(all(torch.equal(a, b) for a, b in zip(model.parameters(), twin.parameters())), other.param_groups[0]["lr"])
for make in (
    lambda o: CosineAnnealingWarmRestarts(o, 3),
    lambda o: ConstantLR(o, 0.5, 2),
    lambda o: torch.optim.lr_scheduler.CyclicLR(o, 0.1, 1.0, 2),
):
    o = torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=1.0)
    s = make(o)
    rates = []
    for _ in range(6):
        rates.append(s.get_last_lr()[0])
        o.step()
        s.step()
    print([f"{r:.5f}" for r in rates])
