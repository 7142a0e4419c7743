"""Loaders of all kinds: worker processes, samplers with weights, iterable data split by worker, collation, splits, seeds."""

import math

import numpy as np
import torch
from torch.utils.data import (
    BatchSampler,
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    Subset,
    TensorDataset,
    WeightedRandomSampler,
    default_collate,
    get_worker_info,
    random_split,
)  # fmt: skip


class Squares(Dataset):
    def __len__(self):
        return 10

    def __getitem__(self, i):
        return {"x": torch.tensor([i, i * i], dtype=torch.float32), "name": f"n{i}", "pair": (i, float(i) / 2)}


class Range(IterableDataset):
    def __init__(self, start, end):
        self.start, self.end = start, end

    def __iter__(self):
        info = get_worker_info()
        start, end = self.start, self.end
        if info is not None:
            per = math.ceil((end - start) / info.num_workers)
            start, end = start + info.id * per, min(start + info.id * per + per, end)
        return iter(range(start, end))


def init(worker_id):
    np.random.seed(torch.initial_seed() % 2**32)


class Noise(Dataset):
    def __len__(self):
        return 6

    def __getitem__(self, i):
        return i, torch.rand(()).item(), get_worker_info().id


class Broken(Squares):
    def __getitem__(self, i):
        if i == 3:
            raise KeyError("no such thing")
        return super().__getitem__(i)


def main():
    torch.manual_seed(0)
    for batch in DataLoader(Squares(), batch_size=4):
        print(batch)
    for batch in DataLoader(
        Squares(), batch_size=4, shuffle=True, num_workers=2, drop_last=True, generator=torch.Generator().manual_seed(5)
    ):
        print(batch["x"].sum(0), batch["name"], batch["pair"])
    print(list(DataLoader(Range(3, 9))), list(DataLoader(Range(3, 9), num_workers=2)))
    print([b.tolist() for b in DataLoader(Range(0, 10), batch_size=4)])
    loader = DataLoader(
        Noise(),
        batch_size=3,
        num_workers=2,
        worker_init_fn=init,
        generator=torch.Generator().manual_seed(1),
        persistent_workers=True,
    )
    for _ in range(2):
        print(list(loader))
    weighted = WeightedRandomSampler([0.1, 0.9, 4.0], 8, generator=torch.Generator().manual_seed(2))
    print(list(weighted), list(BatchSampler(SequentialSampler(range(7)), 3, False)))
    print(list(RandomSampler(range(5), replacement=True, num_samples=6, generator=torch.Generator().manual_seed(3))))
    a, b = random_split(range(10), [0.7, 0.3], generator=torch.Generator().manual_seed(42))
    print(list(a), list(b), len(ConcatDataset([Squares(), Squares()])), Subset(Squares(), [2, 5])[1]["name"])
    print(default_collate([(1, 2.5), (3, 4.5)]), default_collate([{"a": np.float32(1)}, {"a": np.float32(2)}]))
    xs, ys = torch.arange(6).view(3, 2), torch.arange(3)
    print(
        [
            [t.tolist() for t in batch]
            for batch in DataLoader(TensorDataset(xs, ys), batch_size=2, collate_fn=lambda b: default_collate(b))
        ]
    )
    try:
        list(DataLoader(Broken(), batch_size=2, num_workers=1))
    except KeyError as error:
        print(str(error).split("\\n")[0][:60])
    print(torch.rand(2))


if __name__ == "__main__":
    main()
