"""Calls at the edges, in PyTorch and here: overloads, keywords, odd dimensions, empty tensors, refusals.

What PyTorch returns must be returned, shape, dtype, strides of views and values alike; what it refuses must be refused
by the same class of error.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

import rushlight

Calls = dict[str, Callable[[], Any]]


def scattering(torch: Any) -> Calls:
    torch.manual_seed(0)
    x = torch.rand(3, 4, dtype=torch.double)
    i = torch.randint(0, 3, (3, 4))
    s = torch.rand(3, 4, dtype=torch.double)
    i1 = torch.tensor([0, 2, 0])
    m = x > 0.5
    T = torch
    F = dict(
        mf1=lambda: x.masked_fill(m.int(), 1.0),
        mf2=lambda: x.masked_fill(m.byte(), 1.0),
        mf3=lambda: x.masked_fill(m, torch.ones(2)),
        mf4=lambda: x.int().masked_fill(m, 1.5),
        mf5=lambda: x.float().masked_fill(m, torch.tensor(1.0, dtype=torch.double)).dtype,
        mf6=lambda: x.masked_fill(m[0, :3], 1.0),
        mf7=lambda: x.masked_fill(m, 1j),
        mf8=lambda: x[0].masked_fill(m, 1.0).shape,
        mf9=lambda: x[0].clone().masked_fill_(m, 1.0),
        mf10=lambda: x.int().masked_fill(m, torch.tensor(1.5)),
        mf11=lambda: x.byte().masked_fill(m, 300),
        mf12=lambda: x.masked_fill(m, "a"),
        mf13=lambda: x.masked_fill(5, 1.0),
        mf14=lambda: x.float().masked_fill(m, 1e300),
        ms1=lambda: x.masked_select(m.int()),
        ms2=lambda: x.masked_select(m[0, :3]),
        ms3=lambda: x.masked_select(m.byte()),
        msc=lambda: x.masked_scatter(m, s.float()),
        msc1=lambda: x.masked_scatter(m.int(), s),
        msc2=lambda: x.masked_scatter(m, s[0, :1]),
        msc3=lambda: x[0].masked_scatter(m, s).shape,
        sc1=lambda: x.scatter(0, i, s[:2]),
        sc2=lambda: x.scatter(0, i, torch.tensor(1.0, dtype=torch.double)),
        sc3=lambda: x.scatter(0, i + 5, s),
        sc4=lambda: x.scatter(0, i.short(), s),
        sc5=lambda: x.scatter(0, i[0], s),
        sc6=lambda: x.scatter(0, i, s, reduce="foo"),
        sc7=lambda: x.int().scatter(0, i, 1.5),
        sc8=lambda: x.scatter(0, i, value=2),
        sc9=lambda: x.scatter(0, i, src=s, reduce="multiply"),
        sc10=lambda: x.scatter(0, torch.zeros(0, dtype=torch.long), s),
        sc11=lambda: x.scatter(1, i, s[:, :3]),
        sc12=lambda: x.scatter(0, -i - 1, s),
        sc13=lambda: x.scatter(0, torch.zeros(4, 4, dtype=torch.long), s),
        sc14=lambda: x.scatter(0, torch.zeros(3, 5, dtype=torch.long), torch.ones(3, 5, dtype=torch.double)),
        sc15=lambda: x.scatter(0, i, 1j),
        sc16=lambda: x.scatter(0, i, "a"),
        sa1=lambda: x.scatter_add(0, i, s.float()),
        sa2=lambda: x.scatter_add(0, i + 4, s),
        sa3=lambda: x.scatter_add(0, i, 1.0),
        sa4=lambda: x.bool().scatter_add(0, i, s.bool()),
        sr1=lambda: x.scatter_reduce(0, i, s.float(), "sum"),
        sr2=lambda: x.scatter_reduce(0, i, s),
        sr3=lambda: x.int().scatter_reduce(0, i, s.int(), "mean"),
        ia1=lambda: x.index_add(0, i, s),
        ia2=lambda: x.index_add(0, i1, s.float()),
        ia3=lambda: x.index_add(0, i1, s[:2]),
        ia4=lambda: x.index_add(0, i1 + 5, s),
        ia5=lambda: x.index_add(0, i1.short(), s),
        ia6=lambda: x.index_add(0, i1 - 1, s),
        ia7=lambda: x.index_add(0, i1, s[:, :3]),
        ia8=lambda: x.int().index_add(0, i1, s.int(), alpha=1.5),
        ia9=lambda: x.index_add(3, i1, s),
        ia10=lambda: x.index_add(0, i1.int(), s),
        ia11=lambda: torch.tensor(1.0).index_add(0, torch.tensor([0]), torch.tensor(2.0)),
        ic1=lambda: x.index_copy(0, i1, s.float()),
        ic2=lambda: x.index_copy(0, i1.int(), s),
        ic3=lambda: x.index_copy(0, i1, s[:2]),
        ic4=lambda: x.index_copy(0, i1 + 5, s),
        ic5=lambda: x.index_copy(0, i1 - 1, s),
        ic6=lambda: x.index_copy(0, torch.tensor(1), s[0]),
        ic7=lambda: x.index_copy(0, i1, s[:, :3]),
        ic8=lambda: x.index_copy(0, i, s),
        if1=lambda: x.index_fill(0, i1.int(), 1),
        if2=lambda: x.index_fill(0, i1 + 5, 1),
        if3=lambda: x.index_fill(0, i1 - 3, 1),
        if4=lambda: x.index_fill(0, i1, torch.ones(2)),
        if5=lambda: x.index_fill(0, i1, 1j),
        if6=lambda: x.int().index_fill(0, i1, 1.5),
        if7=lambda: x.index_fill(0, i, 1),
        ir1=lambda: x.index_reduce(0, i1, s, "sum"),
        ir2=lambda: x.index_reduce(0, i1, s.float(), "mean"),
        ir3=lambda: x.index_reduce(0, i1.int(), s, "mean"),
        ir4=lambda: x.index_reduce(0, i1 + 9, s, "mean"),
        tk1=lambda: x.take(i1 - 1),
        tk2=lambda: x.take(i1 + 15),
        tk3=lambda: x.take(i1.int()),
        tk4=lambda: x.take(i).shape,
        pt1=lambda: x.put(i1, s[0]),
        pt2=lambda: x.put(i1 - 1, s[0, :3]),
        pt3=lambda: x.put(i1, s[0, :3].float()),
        pt4=lambda: x.put(i1 + 13, s[0, :3]),
        pt5=lambda: x.put(i1.int(), s[0, :3]),
        tad1=lambda: x.take_along_dim(i),
        tad2=lambda: x.take_along_dim(i[:1], 1),
        tad3=lambda: x.take_along_dim(i[0], 0),
        tad4=lambda: x.take_along_dim(i.int(), 0),
        tad5=lambda: x.take_along_dim(i - 1, 0),
        ss1=lambda: x.select_scatter(s, 0, 1),
        ss2=lambda: x.select_scatter(s[0], 0, 5),
        ss3=lambda: x.select_scatter(s[0].float(), 0, 1),
        sl1=lambda: x.slice_scatter(s, 0, 0, 1),
        sl2=lambda: x.slice_scatter(s[:2], 0, None, None, 2),
        ds1=lambda: x.diagonal_scatter(s),
        as1=lambda: x.as_strided_scatter(s, (2,), (1,)),
        ri1=lambda: x.repeat_interleave(-1, 0),
        ri2=lambda: x.repeat_interleave(torch.tensor([1, 2]), 0),
        ri3=lambda: x.repeat_interleave(torch.tensor([1.0, 2, 3]), 0),
        ri4=lambda: T.repeat_interleave(torch.tensor([1, 2])),
        ri5=lambda: x.repeat_interleave(torch.tensor([2]), 0).shape,
        ri6=lambda: x.repeat_interleave(torch.tensor([1, 2, 0]), 0, output_size=5),
        ri7=lambda: x.repeat_interleave(2, output_size=3).shape,
        ri8=lambda: x.repeat_interleave(torch.tensor(2), 0).shape,
        ri9=lambda: x.repeat_interleave(torch.tensor([1, -2, 0]), 0),
        cp=lambda: T.cartesian_prod(x[0]).shape,
        cp1=lambda: T.cartesian_prod(x, x),
        cb=lambda: T.combinations(x[0], 0),
        cb1=lambda: T.combinations(x),
        cb2=lambda: T.combinations(torch.tensor([1, 2, 3]), 2, True),
        cb3=lambda: T.combinations(x[0], -1),
        cb4=lambda: T.combinations(x[0], 5).shape,
        bd=lambda: T.block_diag(torch.tensor(1), torch.ones(2), torch.ones(0), torch.ones(2, 2)),
        bd1=lambda: T.block_diag(torch.ones(1, 1, 1)),
        bd2=lambda: T.block_diag(),
        bd3=lambda: T.block_diag(torch.ones(1).int(), torch.ones(1)),
        ur=lambda: T.unravel_index(torch.tensor([3, 7]), (2, 4)),
        ur1=lambda: T.unravel_index(torch.tensor([3, 8]), (2, 4)),
        ur2=lambda: T.unravel_index(torch.tensor([3.0]), (2, 4)),
        ur3=lambda: T.unravel_index(torch.tensor(3), 4),
        ur4=lambda: T.unravel_index(torch.tensor(-1), (2, 4)),
        ns=lambda: T.nonzero_static(torch.tensor([1, 0, 2]), size=3),
        ns1=lambda: T.nonzero_static(torch.tensor([1, 0, 2]), size=1, fill_value=7),
        aw=lambda: T.argwhere(torch.tensor(1)),
        aw1=lambda: T.argwhere(torch.tensor([[1, 0], [1, 1]])),
    )
    return F


def reducing(torch: Any) -> Calls:
    T = torch
    d = torch.double
    x = torch.tensor([[1.0, 2, 3], [4, 5, 6.5]], dtype=d)
    xi = x.int()
    xc = x * (1 + 0.5j)
    xb = x > 2
    e = torch.ones(0)
    e2 = torch.ones(2, 0)
    F = dict(
        amaxc=lambda: xc.amax(),
        maxc=lambda: xc.max(),
        argc=lambda: xc.argmax(),
        amaxb=lambda: xb.amax(),
        maxb=lambda: xb.max(),
        maxb1=lambda: xb.max(0),
        minh=lambda: x.half().max(0),
        argb=lambda: xb.argmin(1),
        aminmaxc=lambda: xc.aminmax(),
        aminmaxb=lambda: xb.aminmax(),
        maxe=lambda: e.max(),
        amaxe=lambda: e.amax(),
        amaxe2=lambda: e2.amax(1),
        maxe2=lambda: e2.max(1),
        maxe3=lambda: e2.max(0),
        arge=lambda: e.argmax(),
        arge1=lambda: e2.argmax(1),
        aminmaxe=lambda: e.aminmax(),
        aminmaxe1=lambda: e2.aminmax(dim=1),
        suml=lambda: x.sum([]),
        sumd=lambda: x.sum((0, 0)),
        sume=lambda: x.sum(3),
        sumt=lambda: x.sum("a"),
        sumb=lambda: xb.sum().dtype,
        sumb1=lambda: xb.sum(dtype=torch.bool),
        sumu=lambda: x.byte().sum().dtype,
        sumh=lambda: (x.half() * 1000).sum(),
        sumdt=lambda: xi.sum(dtype=torch.float32),
        sumax=lambda: x.sum(axis=1),
        sumk=lambda: x.sum(1, keepdims=True),
        sumk2=lambda: x.sum(dim=None, keepdim=True),
        sumcd=lambda: xc.sum(dtype=torch.float64),
        meani=lambda: xi.mean(),
        meandt=lambda: xi.mean(dtype=torch.float32),
        meandi=lambda: x.mean(dtype=torch.int32),
        meane=lambda: e.mean(),
        meanb=lambda: xb.mean(0),
        vari=lambda: xi.var(),
        varb=lambda: xb.std(),
        varc=lambda: xc.var(),
        varh=lambda: x.half().var(),
        var1=lambda: T.tensor(1.0).var(),
        varkw=lambda: x.var(axis=1),
        varl=lambda: x.var([]),
        vart=lambda: x.var((0, 1), True),
        varf=lambda: x.var(0, correction=0.5),
        nsi=lambda: xi.nansum(),
        nsc=lambda: xc.nansum(),
        nsb=lambda: xb.nansum().dtype,
        nmi=lambda: xi.nanmean(),
        nmc=lambda: xc.nanmean(),
        lsi=lambda: xi.logsumexp(0),
        lsc=lambda: xc.logsumexp(0),
        lse=lambda: e.logsumexp(0),
        lsn=lambda: x.logsumexp(()),
        ls2=lambda: x.logsumexp(None),
        cnz=lambda: T.count_nonzero(x, dim=0),
        cnzc=lambda: T.count_nonzero(xc),
        allu=lambda: x.byte().all(),
        allh=lambda: x.half().any(0),
        allc=lambda: xc.all(),
        alll=lambda: x.all(dim=(0, 1)),
        alle=lambda: e.all(),
        allkd=lambda: x.all(None, True),
        all0=lambda: x.all(()).shape,
        prodi=lambda: xi.prod(),
        prodb=lambda: xb.prod().dtype,
        prodd=lambda: x.prod((0, 1)),
        prode=lambda: e.prod(),
        maxo=lambda: T.max(x, 1, out=(T.empty(0, dtype=d), T.empty(0, dtype=T.long))),
        maxk=lambda: x.max(dim=1, keepdim=True)[0].shape,
        maxt=lambda: x.max(x + 1),
        maxn=lambda: x.max((0, 1)),
        maxkd=lambda: x.max(keepdim=True),
        norm=lambda: x.norm(),
        norm1=lambda: x.norm(1),
        norminf=lambda: x.norm(float("inf")),
        normn=lambda: x.norm("nuc"),
        normf=lambda: x.norm("fro", (0, 1)),
        normd=lambda: x.norm(2, 1, True),
        normi=lambda: xi.norm(),
        norm0=lambda: x.norm(0),
        normm=lambda: x.norm(-float("inf")),
        normdt=lambda: x.norm(2, dtype=torch.float32),
        normc=lambda: xc.norm(),
        normx=lambda: x.norm("foo"),
        normf2=lambda: x.norm("fro", 1),
        normn2=lambda: T.norm(x, "nuc", (0, 1)),
        norme=lambda: e.norm(float("inf")),
        normdim=lambda: T.norm(x, dim=(0, 1)),
        normp=lambda: T.norm(x, p=3, dim=[0, 1], keepdim=True),
        normh=lambda: x.half().norm(),
        dist=lambda: T.dist(x, x + 1),
        dist1=lambda: T.dist(x, x[0], 1),
        renorm=lambda: x.renorm(2, 0, 3.0),
        renorm1=lambda: x.renorm(-1, 0, 3.0),
        renorm2=lambda: x.renorm(2, 5, 3.0),
        renorm3=lambda: x.renorm(2, 0, -3.0),
        renorm4=lambda: x[0].renorm(2, 0, 3.0),
        renormi=lambda: xi.renorm(2, 0, 3),
        q=lambda: x.quantile(0.3),
        q1=lambda: x.quantile(T.tensor([0.1, 0.9], dtype=d), 1),
        q2=lambda: x.quantile(0.5, 1, True, interpolation="lower"),
        q3=lambda: x.quantile(1.5),
        q4=lambda: x.quantile(T.tensor([0.1])),
        q5=lambda: xi.quantile(0.5),
        q6=lambda: e.quantile(0.5),
        q7=lambda: x.quantile(0.5, interpolation="foo"),
        q8=lambda: x.quantile(T.tensor([[0.1]], dtype=d)),
        q9=lambda: x.half().quantile(0.5),
        q10=lambda: T.tensor([1, float("nan"), 3]).quantile(0.5),
        q11=lambda: T.tensor([1, float("nan"), 3]).nanquantile(0.5),
        q12=lambda: T.tensor([1, float("nan"), 3]).nanquantile(T.tensor([0.2, 0.6]), 0, True, interpolation="midpoint"),
        q13=lambda: T.tensor([float("nan")]).nanquantile(0.5),
        q14=lambda: x.quantile(T.tensor([1.1], dtype=d)),
        med=lambda: x.median(),
        med1=lambda: x.median(1),
        med2=lambda: T.tensor([1, float("nan"), 3]).median(),
        med3=lambda: T.tensor([1, float("nan"), 3]).nanmedian(),
        med4=lambda: T.tensor([1, float("nan"), 3, 3]).median(0),
        med5=lambda: T.tensor([1, float("nan"), 3, 3]).nanmedian(0),
        mede=lambda: e.median(),
        mede1=lambda: e2.median(1),
        medc=lambda: xc.median(),
        medb=lambda: xb.median(),
        mode=lambda: T.tensor([1, 2, 2, 1, 3]).mode(),
        moden=lambda: T.tensor([1.0, float("nan"), float("nan")]).mode(),
        modee=lambda: e.mode(),
        mode0=lambda: T.tensor(1).mode(),
        modeb=lambda: xb.mode(),
        kth=lambda: x.kthvalue(2),
        kth1=lambda: x.kthvalue(5),
        kth2=lambda: x.kthvalue(1, 0, True),
        kth0=lambda: T.tensor(1.0).kthvalue(1),
        kthd=lambda: T.tensor([2, 1, 2, 2]).kthvalue(3),
        kthe=lambda: e.kthvalue(1),
        kthb=lambda: xb.kthvalue(1),
    )
    return F


def sorting(torch: Any) -> Calls:
    T = torch
    d = torch.double
    n = float("nan")
    x = torch.tensor([[3.0, 1, 2], [4, 5, 4]], dtype=d)
    xi = x.int()
    xc = x * (1 + 0.5j)
    xb = x > 2
    e = torch.ones(0)
    e2 = torch.ones(2, 0)
    s = torch.tensor([1.0, 3, 5, 7])
    F = dict(
        so=lambda: x.sort(),
        so1=lambda: x.sort(0, True),
        so2=lambda: x.sort(stable=True, dim=1, descending=True),
        so3=lambda: T.tensor(1.0).sort(),
        so4=lambda: x.sort(5),
        so5=lambda: xc.sort(),
        so6=lambda: xb.sort(),
        so7=lambda: T.tensor([n, 1, n, 0]).sort(descending=True),
        so8=lambda: x.sort(stable=True),
        so9=lambda: e.sort(),
        so10=lambda: x.sort(1, False, True),
        ar=lambda: x.argsort(),
        ar1=lambda: x.argsort(descending=True, dim=0, stable=True),
        ar2=lambda: x.argsort(1, True),
        ms=lambda: T.msort(x),
        tk=lambda: x.topk(2),
        tk1=lambda: x.topk(1, 0, False),
        tk2=lambda: x.topk(5),
        tk3=lambda: T.tensor(1.0).topk(1),
        tk4=lambda: xc.topk(1),
        tk5=lambda: xb.topk(1),
        tk6=lambda: x.topk(0),
        tk7=lambda: x.topk(2, sorted=False)[0].shape,
        tk8=lambda: x.topk(-1),
        tk9=lambda: xb.topk(1),
        un=lambda: x.unique(),
        un1=lambda: T.unique(x, return_inverse=True, return_counts=True),
        un2=lambda: T.unique(x, dim=0, return_counts=True),
        un3=lambda: T.unique(x, sorted=False),
        un4=lambda: e.unique(),
        un5=lambda: T.unique(xc),
        un6=lambda: T.unique(x, dim=1, return_inverse=True),
        un7=lambda: T.unique(xb),
        un8=lambda: T.unique(e2, dim=0),
        un9=lambda: T.unique(e2, dim=1),
        uc=lambda: T.unique_consecutive(T.tensor([1, 1, 2, 2, 1]), return_inverse=True, return_counts=True),
        uc1=lambda: T.unique_consecutive(x, dim=0),
        uc2=lambda: T.tensor([1, 1, 2]).unique_consecutive(),
        ss=lambda: T.searchsorted(s, T.tensor([0.0, 1, 2, 9, n])),
        ss1=lambda: T.searchsorted(s, T.tensor([1.0, 3]), right=True),
        ss2=lambda: T.searchsorted(s, 3),
        ss3=lambda: T.searchsorted(s, T.tensor([1.0, 3]), side="right", out_int32=True),
        ss4=lambda: T.searchsorted(s, T.tensor([1.0]), right=True, side="left"),
        ss5=lambda: T.searchsorted(s, T.tensor([1], dtype=T.int32)),
        ss6=lambda: T.searchsorted(x.sort()[0], T.tensor([[1.0], [4.0]], dtype=d)),
        ss7=lambda: T.searchsorted(x, T.ones(3, dtype=d)),
        ss8=lambda: T.searchsorted(s, T.tensor([1.0]), sorter=T.tensor([0, 1, 2, 3])),
        ss9=lambda: T.searchsorted(s, T.tensor([1.0]), sorter=T.tensor([0, 1])),
        ss10=lambda: T.searchsorted(s, 2.5),
        ss11=lambda: T.searchsorted(s, T.tensor([2.0]), side="foo"),
        ss12=lambda: T.searchsorted(T.tensor(1.0), T.tensor([2.0])),
        bu=lambda: T.bucketize(T.tensor([1.0, 2, 3]), s),
        bu1=lambda: T.bucketize(T.tensor([1.0, 2, 3]), s, right=True, out_int32=True),
        bu2=lambda: T.bucketize(3, s),
        bu3=lambda: T.bucketize(x, x),
        bc=lambda: T.bincount(T.tensor([1, 1, 3])),
        bc1=lambda: T.bincount(T.tensor([1, 1, 3]), T.tensor([0.5, 1, 2])),
        bc2=lambda: T.bincount(T.tensor([1, 1, 3]), minlength=6),
        bc3=lambda: T.bincount(T.tensor([-1])),
        bc4=lambda: T.bincount(T.tensor([1.0])),
        bc5=lambda: T.bincount(T.tensor([], dtype=T.long)),
        bc6=lambda: T.bincount(T.tensor([1, 2]), T.tensor([1.0])),
        bc7=lambda: T.bincount(T.tensor([1, 1]), T.tensor([1, 2])),
        bc8=lambda: T.bincount(T.tensor([[1]])),
        bc9=lambda: T.bincount(T.tensor([1]), minlength=-1),
        bc10=lambda: T.bincount(T.tensor([1, 2]), T.tensor([1.0, 2], dtype=T.double)).dtype,
        bc11=lambda: T.bincount(T.tensor([True])),
        bc12=lambda: T.bincount(T.tensor([1], dtype=T.uint8)),
        bc13=lambda: T.bincount(T.tensor([1, 2]), T.tensor([1.0, 2], dtype=T.half)).dtype,
        hc=lambda: T.histc(T.tensor([1.0, 2, 1]), 4, 0, 3),
        hc1=lambda: T.histc(T.tensor([1.0, 2, 1]), 3),
        hc2=lambda: T.histc(T.tensor([1.0, 2]), 0),
        hc3=lambda: T.histc(T.tensor([1, 2, 1]), 4, 0, 3),
        hc4=lambda: T.histc(T.tensor([1.0, n]), 4),
        hc5=lambda: T.histc(T.tensor([1.0, 2]), 4, 3, 1),
        hc6=lambda: T.histc(T.tensor([1.0, 1.0]), 4),
        hc7=lambda: T.histc(T.tensor([1.0, n]), 4, 0, 2),
        hc8=lambda: T.histc(e, 3),
        hc9=lambda: T.histc(x, bins=3, min=0, max=5.5),
        hi=lambda: T.histogram(T.tensor([1.0, 2, 1]), 4, range=(0.0, 3.0)),
        hi1=lambda: T.histogram(T.tensor([1.0, 2, 1]), T.tensor([0.0, 1.5, 2])),
        hi2=lambda: T.histogram(T.tensor([1.0, 2, 1]), 4, range=(0.0, 3.0), weight=T.tensor([1.0, 2, 4]), density=True),
        hi3=lambda: T.histogram(T.tensor([1.0, 2, 1]), 2),
        hi4=lambda: T.histogram(T.tensor([1, 2, 1]), 2),
        hi5=lambda: T.histogram(T.tensor([1.0, 1.0]), 2),
        hi6=lambda: T.histogram(T.tensor([1.0, n]), 2),
        hi7=lambda: T.histogram(T.tensor([1.0, 2]), 0),
        hi8=lambda: T.histogram(T.tensor([1.0, 2.0]), T.tensor([1.0, 2.0, 3.0, 3.0]), weight=T.tensor([1.0, 2.0])),
        hi9=lambda: T.histogram(e, 2),
        hd=lambda: T.histogramdd(T.tensor([[0.0, 1], [1, 0], [2, 0], [2, 2]]), [3, 3], weight=T.tensor([1.0, 2, 4, 8])),
        hd1=lambda: T.histogramdd(T.tensor([[0.0, 0], [1, 1], [2, 2]]), [2, 2], range=[0.0, 1, 0, 1], density=True),
        hd2=lambda: T.histogramdd(T.tensor([[0.0, 0], [1, 1], [2, 2]]), [T.tensor([0.0, 1, 2]), T.tensor([0.0, 2])]),
        hd3=lambda: T.histogramdd(T.tensor([[0.0, 0], [1, 1]]), 2),
        hd4=lambda: T.histogramdd(T.tensor([0.0, 1]), [2]),
        ii=lambda: T.isin(x, T.tensor([1.0, 4], dtype=d)),
        ii1=lambda: T.isin(x, 4),
        ii2=lambda: T.isin(4, x),
        ii3=lambda: T.isin(xi, T.tensor([1.0, 4]), invert=True),
        ii4=lambda: T.isin(xb, xb),
        ii5=lambda: T.isin(xc, xc),
        ii6=lambda: T.isin(x, xi, assume_unique=True),
        ii7=lambda: T.isin(x.half(), x.half()),
        ii8=lambda: T.isin(T.tensor([n]), T.tensor([n])),
        ii9=lambda: T.isin(3, 3),
    )
    return F


def arranging(torch: Any) -> Calls:

    def mk():
        return torch.arange(12.0).reshape(3, 4)

    x = mk()

    def inpl(f):
        y = mk()
        z = y[0]
        r = f(y)
        y.mul_(2)
        return r.shape, r.stride(), r is y, z, y.tolist() if y.numel() < 13 else y.shape

    F = dict(
        tr=lambda: inpl(lambda y: y.transpose_(0, 1)),
        sq=lambda: inpl(lambda y: y.unsqueeze_(0)),
        sq2=lambda: inpl(lambda y: y.unsqueeze_(0).squeeze_()),
        t=lambda: inpl(lambda y: y.t_()),
        ass=lambda: inpl(lambda y: y.as_strided_((2, 2), (1, 2))),
        sw=lambda: inpl(lambda y: y.swapaxes_(0, 1)),
        rs=lambda: x.clone().resize_(2, 3),
        rs1=lambda: x.clone().resize_(2, 3).resize_(3, 4),
        rs2=lambda: x.clone().resize_(20).shape,
        rs3=lambda: mk().requires_grad_().resize_(2),
        rs4=lambda: mk().resize_((2, 2)).stride(),
        rsa=lambda: mk().resize_as_(torch.ones(2, 2)),
        rs5=lambda: mk().t().resize_(2, 6),
        set=lambda: torch.ones(2).set_(x).shape,
        set1=lambda: torch.ones(2).set_(),
        set2=lambda: torch.ones(2).set_(x.int()),
        iset=lambda: x.is_set_to(x),
        iset1=lambda: x.is_set_to(x[:]),
        iset2=lambda: x.is_set_to(x.t()),
        ap=lambda: mk().apply_(lambda v: v + 1),
        mp=lambda: mk().map_(mk(), lambda a, b: a * b),
        ap1=lambda: mk().requires_grad_().apply_(lambda v: v),
        ap2=lambda: torch.tensor([1, 2]).apply_(lambda v: v * 2),
        ap3=lambda: torch.ones(2, dtype=torch.bool).apply_(lambda v: not v),
        ap4=lambda: torch.tensor([1, 2]).apply_(lambda v: "a"),
        new=lambda: x.new(2, 3).shape,
        new1=lambda: x.new([1, 2]),
        new2=lambda: x.new().shape,
        new3=lambda: x.int().new(2).dtype,
        nes=lambda: x.new_empty_strided((2, 3), (1, 2)).stride(),
        es=lambda: torch.empty_strided((2, 3), (1, 2)).stride(),
        es1=lambda: torch.empty_strided((2, 3), (1,)),
        es2=lambda: torch.empty_strided((2, 3), (-1, 2)),
        es3=lambda: torch.empty_strided((2, 3), (0, 1)).stride(),
        ep=lambda: torch.empty_permuted((2, 3, 4), (2, 0, 1)).stride(),
        ep1=lambda: torch.empty_permuted((2, 3), (0, 0)),
        ep2=lambda: torch.empty_permuted((2, 3), (0,)),
        do=lambda: x.t().dim_order(),
        do1=lambda: torch.empty(2, 3, 4, 5).to(memory_format=torch.channels_last).dim_order(),
        iss=lambda: x.is_same_size(x.t()),
        inz=lambda: torch.tensor([1]).is_nonzero(),
        inz1=lambda: x.is_nonzero(),
        inz2=lambda: torch.tensor([]).is_nonzero(),
        rev=lambda: list(reversed(torch.tensor([1, 2, 3]))),
        rev1=lambda: reversed(x),
        h=lambda: (x * 1j).H.shape,
        mh=lambda: (x * (1 + 1j)).mH,
        mh1=lambda: x[0].mH,
        h1=lambda: x[None].H,
        hh=lambda: torch.adjoint(x).shape,
        ad1=lambda: torch.adjoint(x[0]),
        sm=lambda: x.is_shared(),
        sm1=lambda: mk().share_memory_().is_shared(),
        pin=lambda: x.is_pinned(),
        pin1=lambda: x.pin_memory(),
        gd=lambda: torch.get_device(x),
        det=lambda: torch.detach_(mk()),
        us=lambda: torch.unsafe_split(x, 2),
        uc=lambda: x.unsafe_chunk(2, 1),
        uw=lambda: x.unsafe_split_with_sizes([1, 2]),
        varc=lambda: torch.view_as_real_copy(x * 1j).shape,
        vacc=lambda: torch.view_as_complex_copy(torch.ones(3, 2)),
        rz=lambda: x.resize(4, 3),
        asub=lambda: type(x.as_subclass(torch.nn.Parameter)),
        aw=lambda: type(np.sin(x)).__name__,
        cuda=lambda: x.cuda(),
        bf=lambda: x.bfloat16().dtype,
        vd=lambda: x.view(torch.int32),
        vd1=lambda: x.view(torch.int16).shape,
        vd2=lambda: x.view(torch.float64).shape,
        vd3=lambda: x.t().view(torch.int16),
        vd4=lambda: torch.tensor(1.0).view(torch.int16),
        vd5=lambda: torch.ones(3).view(torch.float64),
        vd6=lambda: x.view(torch.complex64).shape,
        vd7=lambda: x.t().view(torch.int32).stride(),
        vd8=lambda: torch.tensor(1.0).view(torch.int32),
        v0=lambda: x.view(-1, -1),
        v1=lambda: x.view(5),
        v2=lambda: x.t().view(12),
        v3=lambda: x.view(-2, 6),
        v4=lambda: torch.ones(0).view(-1, 0),
        v5=lambda: x.view(0, -1),
        v6=lambda: x.view(3, -1, 1).stride(),
        v7=lambda: x[:, ::2].view(6),
        v8=lambda: x[::2].view(2, 2, 2).stride(),
        v9=lambda: x.reshape(5),
        v10=lambda: x.view(3.0, 4),
        v11=lambda: x.view(size=(4, 3)).shape,
        v12=lambda: x.reshape(shape=(4, 3)).shape,
        p1=lambda: x.permute(0),
        p2=lambda: x.permute(0, 0),
        p3=lambda: x.permute(0, 5),
        p4=lambda: x.transpose(0, 5),
        p5=lambda: x.flatten(1, 0),
        p6=lambda: x.unflatten(0, (2, 2)),
        p7=lambda: x.squeeze(5),
        p8=lambda: x.unsqueeze(5),
        p9=lambda: x.expand(2, 4),
        p10=lambda: x.expand(-1, 3, 4),
        p11=lambda: x.expand(3),
        p12=lambda: x.narrow(0, 2, 5),
        p13=lambda: x.select(0, 5),
        p14=lambda: x.diagonal(0, 0, 0),
        p15=lambda: x.unfold(0, 5, 1),
        p16=lambda: x.unfold(0, 1, 0),
        p17=lambda: x.split(0),
        p18=lambda: x.split([1, 1]),
        p19=lambda: x.chunk(0),
        p20=lambda: torch.cat([]),
        p21=lambda: torch.cat([x, x[:, :2]]),
        p22=lambda: torch.cat([x, x[0]]),
        p23=lambda: torch.stack([x, x[0]]),
        p24=lambda: torch.stack([]),
        p25=lambda: torch.cat(x),
        p26=lambda: torch.cat([x, 1]),
        p27=lambda: x.flip(0, 0),
        p28=lambda: x.roll((1, 2), 0),
        p29=lambda: x.repeat(2),
        p30=lambda: x.tile(2).shape,
        p31=lambda: torch.broadcast_tensors(x, x[:, :3]),
        p32=lambda: x.tril(1).sum(),
        p33=lambda: x[0].tril(),
        p34=lambda: x.expand(3, 4, -1),
        p35=lambda: torch.cat([torch.ones(2), torch.ones(2).int()]).dtype,
        p36=lambda: torch.hstack([]),
        p37=lambda: x.swapaxes(0, 1).shape,
        p38=lambda: x.movedim((0, 1), (0, 0)),
        p39=lambda: x.rot90(1, (0,)),
        p40=lambda: x.unbind(3),
        p41=lambda: torch.tensor(1.0).unbind(),
        p42=lambda: x.tensor_split(0),
        p43=lambda: torch.cat([x, x], 5),
        p44=lambda: torch.cat((x, x), out=torch.empty(0)).shape,
        p45=lambda: x.split(2.5),
        p46=lambda: x.to("cuda"),
        p47=lambda: x.to("foo"),
        p48=lambda: x.to(torch.int32, copy=True).dtype,
        p49=lambda: x.type("torch.IntTensor").dtype,
        p50=lambda: x.type(),
        p51=lambda: x.new_zeros((2,)).dtype,
        p52=lambda: x.expand_as(torch.ones(2, 3, 4)).stride(),
        p53=lambda: torch.tensor(1.0)[0],
        p54=lambda: x[5],
        p55=lambda: x[0, 0, 0],
        p56=lambda: x[[5]],
        p57=lambda: x[1.5],
        p58=lambda: x["a"],
        p59=lambda: x[::-1],
        p60=lambda: x[torch.tensor([1.0])],
        p61=lambda: x[torch.tensor([True, False])],
        p62=lambda: len(torch.tensor(1)),
        p63=lambda: list(torch.tensor(1)),
        p64=lambda: x[..., ...],
        p65=lambda: x[[0, 1], [0, 1, 2]],
        p66=lambda: x[True].shape,
        p67=lambda: x[torch.tensor(True)].shape,
        p68=lambda: x[None, ..., None].stride(),
        p69=lambda: x[[[0, 1], [1, 2]]].shape,
        p70=lambda: x[(0, 1),].shape,
        p71=lambda: x[slice(0, 2), [0, 1]].shape,
        p72=lambda: x[torch.tensor([0, 2], dtype=torch.int32)].shape,
        p73=lambda: x[torch.tensor([0, 1, 1], dtype=torch.uint8)].shape,
        p74=lambda: x[range(2)].shape,
    )

    def seti(k, v, y=None):
        y = mk() if y is None else y
        y[k] = v
        return y.tolist()

    F.update(
        s1=lambda: seti(0, 5),
        s2=lambda: seti((slice(None), 1), torch.tensor([1.0, 2, 3])),
        s3=lambda: seti(torch.tensor([0, 0]), torch.ones(2, 4)),
        s4=lambda: seti(mk() > 5, 0.0),
        s5=lambda: seti(mk() > 5, torch.ones(6)),
        s6=lambda: seti(mk() > 5, torch.ones(5)),
        s7=lambda: seti(0, torch.ones(3)),
        s8=lambda: seti(0, torch.ones(1, 1, 4)),
        s9=lambda: seti(0, 1j),
        s10=lambda: seti(0, [1, 2, 3, 4]),
        s11=lambda: seti(5, 1),
        s12=lambda: seti(..., 7),
        s13=lambda: seti((), 7),
        s14=lambda: seti((0, None), 7),
        s15=lambda: seti((torch.tensor([0, 1]), 1), torch.tensor([5, 6])),
        s16=lambda: seti(0, "a"),
        s17=lambda: seti(0, None),
        s18=lambda: seti(True, 3),
        s19=lambda: seti(slice(0, 0), 3),
        s20=lambda: seti(([0, 1], [1, 2]), 9),
        s21=lambda: seti(0, torch.tensor(3, dtype=torch.int64)),
        s22=lambda: seti(0, 2.7, torch.arange(4)),
        s23=lambda: seti(0, torch.tensor(2.7), torch.arange(4)),
        s24=lambda: seti(0, 300, torch.zeros(2, dtype=torch.int8)),
        s25=lambda: seti(slice(None), torch.ones(2, 4)),
        s26=lambda: seti(0, torch.ones(4, dtype=torch.complex64)),
        s27=lambda: seti((0, 0), torch.ones(1)),
        s28=lambda: seti(torch.tensor([0, 2]), 5),
        s29=lambda: seti(torch.tensor([7]), 5),
        s30=lambda: seti(torch.tensor([True, False, True]), torch.ones(4)),
        s31=lambda: seti(0, np.float64(3)),
        s32=lambda: seti(0, np.ones(4)),
        c1=lambda: torch.tensor([[1, 2], [3]]),
        c2=lambda: torch.tensor([1, 2.5, True]).dtype,
        c3=lambda: torch.tensor([]).dtype,
        c4=lambda: torch.tensor([[], []]).shape,
        c5=lambda: torch.tensor("a"),
        c6=lambda: torch.tensor([1, "a"]),
        c7=lambda: torch.tensor(None),
        c8=lambda: torch.tensor([None]),
        c9=lambda: torch.tensor(2**70),
        c10=lambda: torch.tensor(2**63),
        c11=lambda: torch.tensor([1, 2], dtype=torch.bool),
        c12=lambda: torch.tensor(300, dtype=torch.uint8),
        c13=lambda: torch.tensor(-1, dtype=torch.uint8),
        c14=lambda: torch.tensor([1j]).dtype,
        c15=lambda: torch.tensor([torch.tensor(1.0), torch.tensor(2)]),
        c16=lambda: torch.tensor([torch.ones(2), torch.ones(2)]),
        c17=lambda: torch.tensor(1.5, dtype=torch.int32),
        c18=lambda: torch.tensor([1.5, 2], dtype=torch.int32),
        c19=lambda: torch.tensor(1, requires_grad=True),
        c20=lambda: torch.tensor({}),
        c21=lambda: torch.tensor(range(3)),
        c22=lambda: torch.tensor(np.ones(2, "u2")).dtype,
        c23=lambda: torch.tensor((1, [2, 3])),
        c24=lambda: torch.tensor([True, False]).dtype,
        c25=lambda: torch.tensor([1, True]),
        c26=lambda: torch.tensor([[1.0, 2], [3, 4]], dtype=torch.complex64),
        c27=lambda: torch.tensor(1j, dtype=torch.float32),
        c28=lambda: torch.tensor([1e300], dtype=torch.float32),
        c29=lambda: torch.tensor(float("nan"), dtype=torch.int32),
        ar1=lambda: torch.arange(5, 1),
        ar2=lambda: torch.arange(0, 1, 0),
        ar3=lambda: torch.arange(5, 1, -2),
        ar4=lambda: torch.arange(1.5),
        ar5=lambda: torch.arange(0, 1, 0.1).tolist(),
        ar6=lambda: torch.arange(3, dtype=torch.float16),
        ar7=lambda: torch.arange(float("nan")),
        ar8=lambda: torch.arange(torch.tensor(3)),
        ar9=lambda: torch.arange(start=1, end=4),
        ar10=lambda: torch.arange(0, 2, 0.3, dtype=torch.int32),
        ar11=lambda: torch.arange(1, 2.5, dtype=torch.int64),
        ar12=lambda: torch.arange(True),
        ar13=lambda: torch.arange(1j),
        ar14=lambda: torch.arange(end=3),
        ar15=lambda: torch.arange(2**33, 2**33 + 2),
        ar16=lambda: torch.arange(0.0, 1e7, 1e6, dtype=torch.float32).tolist(),
        ar17=lambda: torch.arange(-3, 3, 0.7).tolist(),
        ls1=lambda: torch.linspace(0, 1, 7).tolist(),
        ls2=lambda: torch.linspace(-3, 10, 11, dtype=torch.float64).tolist(),
        ls3=lambda: torch.linspace(0, 10, 5, dtype=torch.int32),
        ls4=lambda: torch.linspace(0, 1, 1),
        ls5=lambda: torch.linspace(0, 1, 0),
        ls6=lambda: torch.linspace(0, 1, -1),
        ls7=lambda: torch.linspace(0, 1j, 3),
        ls8=lambda: torch.linspace(0, 1),
        ls9=lambda: torch.linspace(0, 10, 6, dtype=torch.float16),
        ls10=lambda: torch.logspace(-2, 2, 5).tolist(),
        ls11=lambda: torch.logspace(0, 3, 4, 2).tolist(),
        ls12=lambda: torch.linspace(torch.tensor(0.0), torch.tensor(1.0), 3),
        ls13=lambda: torch.logspace(0, 1, 3, dtype=torch.int32),
        ls14=lambda: torch.linspace(10, 0, 4, dtype=torch.int64),
        ls15=lambda: torch.linspace(0.1, 0.7, 13).tolist(),
        ls16=lambda: torch.logspace(0.1, 0.7, 13).tolist(),
        ey=lambda: torch.eye(2, 3),
        ey1=lambda: torch.eye(-1),
        ey2=lambda: torch.eye(2, dtype=torch.bool),
        fu=lambda: torch.full((2,), True),
        fu1=lambda: torch.full((2,), 1).dtype,
        fu2=lambda: torch.full((2,), 1j).dtype,
        fu3=lambda: torch.full((2,), 2.5, dtype=torch.int32),
        fu4=lambda: torch.full(2, 1),
        ze=lambda: torch.zeros(2, -1),
        ze1=lambda: torch.zeros(size=(2, 3)).shape,
        ze2=lambda: torch.zeros((2,), (3,)),
        ze3=lambda: torch.zeros(2.0),
        ze4=lambda: torch.ones([]),
        ze5=lambda: torch.zeros(2, device="cuda"),
        ze6=lambda: torch.zeros(2, dtype=torch.float64, requires_grad=True),
        ze7=lambda: torch.zeros(2, dtype=torch.int32, requires_grad=True),
        zl=lambda: torch.zeros_like(x.t()).stride(),
        zl1=lambda: torch.ones_like(x, dtype=torch.bool),
        zl2=lambda: torch.full_like(x, 3),
        zl3=lambda: torch.empty_like(x[:, ::2]).stride(),
        zl4=lambda: torch.zeros_like(x.expand(2, 3, 4)).stride(),
        tri=lambda: torch.tril_indices(3, 3, -1),
        tri1=lambda: torch.triu_indices(2, 4, 1),
        tri2=lambda: torch.tril_indices(-1, 3),
        fn=lambda: torch.from_numpy(np.ones(2)),
        fn1=lambda: torch.from_numpy([1]),
        at=lambda: torch.as_tensor([1, 2]),
        at1=lambda: torch.asarray([1.0, 2]),
        st=lambda: torch.scalar_tensor(2),
        vd=lambda: torch.empty(2, 3, 4, 5, memory_format=torch.channels_last).stride(),
        rng=lambda: torch.range(0, 3),
        frb=lambda: torch.frombuffer(b"abcd", dtype=torch.uint8),
        cx=lambda: torch.complex(torch.ones(2), torch.ones(2)),
        pl=lambda: torch.polar(torch.ones(1), torch.zeros(1)),
    )
    return F


def strides(torch: Any) -> Calls:
    def mk():
        return torch.arange(12.0).reshape(3, 4)

    def seti(k, v, y=None):
        y = mk() if y is None else y
        y[k] = v
        return y.tolist()

    i = torch.tensor([0, 1])
    F = dict(
        a=lambda: seti(i, torch.tensor(5)),
        b=lambda: seti(i, torch.tensor([5])),
        c=lambda: seti(mk() > 5, torch.tensor(5)),
        d=lambda: seti(mk() > 5, torch.ones(6, dtype=torch.float64)),
        e=lambda: mk().index_put_((i,), torch.tensor(5)),
        f=lambda: mk().index_put((i,), torch.ones(4).double()),
        g=lambda: seti(0, torch.ones(4).double()),
        h=lambda: seti(i, torch.tensor(5.0).double()),
        n1=lambda: torch.ones(-1),
        n2=lambda: torch.empty(-1),
        n3=lambda: torch.full((-1,), 1),
        n4=lambda: torch.randn(2, -1),
        n5=lambda: torch.zeros(()),
        n6=lambda: torch.empty((2,)).shape,
        n7=lambda: mk().new_zeros(-1),
        n8=lambda: mk().new_ones(size=(2,)),
        n9=lambda: mk().new_full((2,), 3, dtype=torch.int),
        l1=lambda: mk().expand(2, 3, 4).clone().stride(),
        l2=lambda: (mk().expand(2, 3, 4) + 1).stride(),
        l3=lambda: mk()[None].stride(),
        l4=lambda: mk()[:, None].stride(),
        l5=lambda: mk()[..., None].stride(),
        l6=lambda: mk()[:1].stride(),
        l7=lambda: mk()[:, :1].t().stride(),
        l8=lambda: mk().reshape(1, 12).stride(),
        l9=lambda: mk().reshape(12, 1).stride(),
        l10=lambda: mk()[:, :1].reshape(1, 3).stride(),
        l11=lambda: torch.ones(1, 1).stride(),
        l12=lambda: torch.ones(2, 1, 3).transpose(0, 1).stride(),
        l13=lambda: torch.ones(2, 1, 3).squeeze(1).stride(),
        l14=lambda: torch.ones(0, 3).t().stride(),
        l15=lambda: mk().sum(0, keepdim=True).stride(),
        l16=lambda: mk().t().sum(1, keepdim=True).stride(),
        l17=lambda: mk().t().clone().stride(),
        l18=lambda: mk()[:, ::2].clone().stride(),
        l19=lambda: torch.ones(2, 3, 4).permute(2, 0, 1).clone().stride(),
        l20=lambda: (mk().t() * 2).stride(),
        l21=lambda: (mk().t() + mk().reshape(4, 3)).stride(),
        l22=lambda: mk().t().contiguous().stride(),
        l23=lambda: mk().t().to(torch.float64).stride(),
        l24=lambda: mk().t().cumsum(0).stride(),
        l25=lambda: mk().t().flip(0).stride(),
        l26=lambda: mk().t().sort()[0].stride(),
        l27=lambda: mk().t()[torch.tensor([0, 1])].stride(),
        l28=lambda: torch.cat([mk().t(), mk().t()]).stride(),
        l29=lambda: mk().t().masked_fill(mk().t() > 1, 0).stride(),
        l30=lambda: torch.where(mk().t() > 1, mk().t(), 0.0).stride(),
        l31=lambda: mk().t().roll(1).stride(),
        l32=lambda: mk().t().tril().stride(),
        l33=lambda: mk().diagonal().stride(),
        l34=lambda: mk().unfold(0, 2, 1).stride(),
        l35=lambda: mk().t().index_select(0, i).stride(),
        l36=lambda: mk().t().gather(0, torch.zeros(2, 2).long()).stride(),
        l37=lambda: mk().t().scatter(0, torch.zeros(2, 2).long(), 1.0).stride(),
        l38=lambda: mk().t().index_add(0, i, torch.ones(2, 3)).stride(),
        l39=lambda: mk().T.softmax(0).stride(),
        l40=lambda: torch.stack([mk().t()] * 2).stride(),
        l41=lambda: mk().t().sum(1).stride(),
        l42=lambda: torch.ones(2, 3, 4).transpose(0, 1).sum(2).stride(),
        l43=lambda: torch.ones(2, 3, 4).transpose(0, 1).max(2)[0].stride(),
        l44=lambda: torch.rand_like(mk().t()).stride(),
        l45=lambda: mk().t().repeat(2, 1).stride(),
        l46=lambda: torch.ones(2, 3, 4, 5).to(memory_format=torch.channels_last).mul(2).stride(),
        l47=lambda: torch.ones(2, 3, 1, 1).to(memory_format=torch.channels_last).stride(),
        l48=lambda: torch.ones(2, 1, 4, 5).contiguous(memory_format=torch.channels_last).stride(),
        l49=lambda: (
            torch.ones(2, 3, 4, 5)
            .to(memory_format=torch.channels_last)
            .is_contiguous(memory_format=torch.channels_last)
        ),
        l50=lambda: mk().t().mean(1, keepdim=True).stride(),
        l51=lambda: mk().expand(1, 3, 4).stride(),
        l52=lambda: torch.ones(1).expand(1).stride(),
        l53=lambda: torch.ones(3, 1).expand(3, 1).stride(),
        l54=lambda: torch.ones(1, 3).expand(2, 1, 3).stride(),
        l55=lambda: mk()[1:2, 1:2].stride(),
        l56=lambda: torch.ones(3, 0, 2).stride(),
        l57=lambda: torch.ones(2, 3).view(2, 1, 3).stride(),
        l58=lambda: mk()[:, 1].view(3, 1).stride(),
        l59=lambda: mk()[:, 1].view(1, 3).stride(),
        l60=lambda: mk()[:, 1:3].view(3, 1, 2).stride(),
        l61=lambda: mk().movedim(0, 1).stride(),
    )
    return F


def corners(torch: Any) -> Calls:
    """Parameter names, numbers that wrap, refused dtypes, strides of what is picked, reflected operands, second orders."""
    x = torch.arange(24.0).reshape(2, 3, 4)
    m = torch.arange(9.0).reshape(3, 3)
    u = torch.tensor([1, 200, 3], dtype=torch.uint8)
    b = torch.tensor([True, False])
    s = torch.tensor(3.0)
    i = torch.tensor([0])
    z = torch.tensor([1 + 2j, 3 - 1j])
    it = torch.tensor([1, 2, 0])
    F = torch.nn.functional

    def g(f: Any, *xs: Any) -> Any:
        xs = tuple([t.clone().requires_grad_() for t in xs])
        o = f(*xs)
        return torch.autograd.grad(o, xs, torch.ones_like(o), allow_unused=True)

    def forward(f: Any) -> Any:
        with torch.autograd.forward_ad.dual_level():
            dual = torch.autograd.forward_ad.make_dual(torch.tensor([0.3, 0.7]), torch.ones(2))
            return torch.autograd.forward_ad.unpack_dual(f(dual)).tangent

    def warned(f: Any) -> Any:
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            f()
        return [str(w.message)[:20] for w in seen]

    def gg(f: Any) -> Any:
        v = torch.tensor([-1.5, -0.2, 0.3, 2.0], requires_grad=True)
        (h,) = torch.autograd.grad((f(v) * v.detach()).sum(), v, create_graph=True)
        return torch.autograd.grad(h.sum(), v)

    return dict(
        kw1=lambda: x.flip(dims=(0, 1)),
        kw3=lambda: x.tile(dims=(2,)),
        kw4=lambda: m.expand(size=(2, 3, 3)).shape,
        kw5=lambda: m.permute(dims=(1, 0)),
        kw7=lambda: m.repeat(repeats=(1, 2)).shape,
        kw11=lambda: m.sum_to_size(size=(3, 1)),
        kw14=lambda: m.unflatten(dim=0, sizes=(3, 1)).shape,
        kw15=lambda: m.clone().resize_(size=(2, 2)).shape,
        kw19=lambda: torch.flip(m, 0),
        kw20=lambda: m.flip(),
        kw21=lambda: torch.flip(m, 0, 1),
        ad1=lambda: torch.add(u, u, alpha=-3),
        ad2=lambda: torch.sub(u, u, alpha=300),
        ad4=lambda: torch.full_like(u, -9),
        ad5=lambda: torch.full_like(u, 300),
        ad6=lambda: torch.full((2,), -9, dtype=torch.uint8),
        ad7=lambda: torch.full((2,), 300, dtype=torch.uint8),
        ad8=lambda: u.index_add(0, i, u[:1], alpha=-1),
        ad17=lambda: torch.addcmul(u, u, u, value=-2),
        ad27=lambda: torch.full_like(m, 1j),
        ad31=lambda: torch.constant_pad_nd(u, (1, 1), -1),
        ad45=lambda: u.new_full((2,), -1),
        bo2=lambda: b.cumsum_(0),
        bo3=lambda: b.cumprod_(0),
        bo4=lambda: torch.addcmul(b, b, b),
        bo5=lambda: torch.bmm(b.reshape(1, 2, 1), b.reshape(1, 1, 2)),
        bo6=lambda: b @ b,
        bo7=lambda: torch.mm(b[None], b[:, None]),
        bo8=lambda: b.mv(b) if 0 else torch.mv(b[None], b),
        bo9=lambda: torch.cross(torch.tensor([True] * 3), torch.tensor([True] * 3), dim=0),
        bo12=lambda: torch.bucketize(b, b),
        bo17=lambda: b.logcumsumexp(0),
        bo18=lambda: it.logcumsumexp(0),
        bo21=lambda: torch.searchsorted(b, b),
        ar1=lambda: torch.arange(0, 5, 2, dtype=torch.complex64),
        ar2=lambda: torch.arange(2, dtype=torch.bool),
        ar4=lambda: torch.arange(0, 2, 0.5, out=torch.empty(0, dtype=torch.int64)),
        ar7=lambda: torch.arange(0, 64, 0.5, dtype=torch.int64),
        ls5=lambda: torch.linspace(0, 3, 1.0),
        ls7=lambda: torch.linspace(torch.tensor([1, 2]), 1, 3),
        ls8=lambda: torch.logspace(0, 3, -1),
        ls9=lambda: torch.logspace(0, 3, 1.0),
        ls10=lambda: torch.logspace(torch.tensor([1, 2]), 1, 3),
        ca1=lambda: g(lambda a, c: torch.cat([a, c], 1), torch.empty(0), m),
        ca4=lambda: torch.cat([torch.empty(0), torch.empty(0)], 0),
        ou5=lambda: torch.cat([m, m], out=torch.zeros(1).expand(6, 3)),
        ou9=lambda: torch.mm(m, m, out=torch.zeros(1).expand(3, 3)),
        ou10=lambda: torch.add(m, m, out=torch.zeros(1).expand(3, 3)),
        ou21=lambda: torch.arange(2.0, dtype=torch.float, out=torch.zeros(2, dtype=torch.long)),
        rp1=lambda: m.__rpow__(m),
        rp3=lambda: m.__rdiv__(m),
        rp10=lambda: m.__rfloordiv__(m + 1),
        rp12=lambda: it.__rlshift__(it),
        gi1=lambda: x[:, :, [0, 3]].stride(),
        gi2=lambda: x[:, [0, 2]].stride(),
        gi4=lambda: x[:, [0, 1], [1, 2]].stride(),
        gi6=lambda: x[:, :, [0, 3]].view(-1),
        gi7=lambda: x[:, [0, 2]].view(-1),
        gi8=lambda: x[..., it].view(-1),
        gi11=lambda: x[:, None, it].stride(),
        gi12=lambda: x[:, [[0, 1], [1, 2]]].stride(),
        gi14=lambda: x[:, x[0] > 1].stride(),
        gi21=lambda: x[:, it.flip(0)].stride(),
        gi22=lambda: x[0, :, it].stride(),
        cr1=lambda: torch.cross(m, m + 1, dim=1).stride(),
        cr3=lambda: torch.linalg.cross(x[..., :3], x[..., :3]).stride(),
        cr4=lambda: torch.cross(m[:, :3], m.t(), dim=1).stride(),
        na1=lambda: torch.diag(m[0].requires_grad_()).grad_fn.name(),
        na2=lambda: torch.diag_embed(m.clone().requires_grad_()).grad_fn.name(),
        na4=lambda: torch.diagflat(m.clone().requires_grad_()).grad_fn.name(),
        cx1=lambda: torch.complex(it, 2),
        cx2=lambda: torch.complex(2, 3),
        cx4=lambda: torch.isclose(it, 2),
        cx5=lambda: torch.isclose(2, it),
        cx17=lambda: torch.allclose(it, 2),
        ld1=lambda: g(torch.ldexp, z, z),
        di1=lambda: torch.diff(m, 0, 0, m[:1], m[:2]),
        di3=lambda: g(lambda a, c: torch.diff(a, 0, 0, c), m, m[:1]),
        li3=lambda: torch.linalg.vander(s, N=2),
        ro12=lambda: torch.frexp(torch.tensor([0.0, 1.0, -3.5, 1e-40, float("inf")])),
        ro13=lambda: torch.frexp(it),
        ro14=lambda: torch.frexp(m.double())[1].dtype,
        ro16=lambda: g(lambda a: torch.frexp(a)[0], m + 1),
        se1=lambda: gg(torch.relu),
        se2=lambda: gg(F.leaky_relu),
        se3=lambda: gg(F.hardtanh),
        se4=lambda: gg(F.relu6),
        se5=lambda: gg(F.hardshrink),
        se6=lambda: gg(F.softshrink),
        se7=lambda: gg(lambda v: F.threshold(v, 0.0, 1.0)),
        ap1=lambda: F.avg_pool2d(torch.ones(1, 1, 4, 4), 2, divisor_override=-2),
        ap2=lambda: F.avg_pool1d(torch.ones(0, 3, 9), 6, 3, 2).shape,
        ro1=lambda: torch.roll(s, 0, 0),
        ro2=lambda: torch.roll(m, ()),
        ha1=lambda: torch.hash_tensor(m, 1),
        no1=lambda: F.layer_norm(it, (3,)),
        no2=lambda: F.cross_entropy(it[None], i),
        no3=lambda: F.batch_norm(it[None], None, None, training=True),
        no4=lambda: F.group_norm(it[None], 1),
        no5=lambda: F.rms_norm(it, (3,)),
        no6=lambda: F.mse_loss(it, it),
        no7=lambda: F.nll_loss(it[None], i),
        no8=lambda: F.binary_cross_entropy(it, it),
        no9=lambda: F.kl_div(it, it),
        no10=lambda: F.smooth_l1_loss(it, it),
        no11=lambda: F.huber_loss(it, it),
        no12=lambda: F.grid_sample(it.reshape(1, 1, 1, 3), torch.zeros(1, 1, 1, 2).long()),
        no13=lambda: F.unfold(it.reshape(1, 1, 1, 3), 1),
        no14=lambda: F.mse_loss(z, z),
        fw1=lambda: forward(torch.bernoulli),
        fw2=lambda: forward(torch.poisson),
        fw3=lambda: forward(lambda q: torch.normal(q, q)),
        fw4=lambda: forward(lambda q: torch.distributions.Bernoulli(q).sample()),
        to1=lambda: m.topk(2, True),
        ro3=lambda: torch.rot90(m, 1, (0, -3)),
        wi1=lambda: warned(lambda: torch.arange(3, out=torch.zeros(5).long())),
        wi2=lambda: warned(lambda: torch.fft.fftfreq(4, out=torch.zeros(5))),
        wi3=lambda: warned(lambda: torch.istft(torch.zeros(5, 3) + 1j, 8, window=torch.ones(8), length=60)),
        lp1=lambda: torch.log1p(torch.tensor([1e-19 + 1e-18j, 0.1 + 1e-18j, -1 + 2j, 1e250 + 1j, -1e-3 + 1e-9j])),
        lp2=lambda: g(torch.sinc, torch.tensor([0.0, 2e-300, 1.0], dtype=torch.double)),
        lc1=lambda: torch.logcumsumexp(torch.tensor([1 + 4j, 2 + 6j, 3 + 7j]), 0),
        lc2=lambda: g(lambda a: torch.logcumsumexp(a, 0), torch.tensor([-9 + 1j, 9 - 2j, -3 + 4j])),
        ou1=lambda: torch.index_select(s, 0, i, out=torch.zeros(())),
        ou2=lambda: torch.mul(2, 3.5, out=torch.zeros(())),
        ou3=lambda: torch.floor_divide(7, 2, out=torch.zeros(())),
        td1=lambda: torch.tensordot(torch.ones(1, 3), m, ([0], [1])),
        td2=lambda: g(lambda a, c: torch.tensordot(a, c, ([0, 1], [1, 0])), m[:1], m),
        td3=lambda: torch.tensordot(torch.ones(2, 3), m, ([0], [1])),
        st1=lambda: torch.scalar_tensor(-5, dtype=torch.uint8),
        ni1=lambda: [
            getattr(it.clone(), f"__i{n}__")(object()) is NotImplemented
            for n in ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor", "lshift", "rshift"]
        ],
        ni2=lambda: it.__iadd__([1]) is NotImplemented,
        ni3=lambda: torch.complex(s.expand(2), s.expand(3)),
        ni4=lambda: torch.maximum(z, z),
        ni5=lambda: torch.fmin(z, b),
        ni6=lambda: torch.floor(z),
    )


def algebra(torch: Any) -> Calls:
    """Empty matrices, orders and pivots that are refused, what addr promotes, and what einsum finds in equations."""
    L, E = torch.linalg, torch.einsum
    m, b = torch.eye(2) + 1.0, torch.ones(1, 2, 2)
    x, y, i2 = torch.ones(2), torch.ones(2, 3), torch.ones(2, dtype=torch.long)
    LU, p = L.lu_factor(m)
    p0 = p * 0
    return dict(
        lu1=lambda: L.lu(torch.zeros(0, 0)),
        lu2=lambda: L.lu_factor(torch.zeros(0, 0)),
        lu3=lambda: L.lu_solve(torch.zeros(0, 0), torch.zeros(0, dtype=torch.int32), torch.zeros(0, 2)),
        lu4=lambda: L.ldl_solve(torch.zeros(0, 0), torch.zeros(0, dtype=torch.int32), torch.zeros(0, 2)),
        lu5=lambda: L.lu_solve(LU, p0, m, adjoint=True),
        lu6=lambda: torch.lu_unpack(LU, p0),
        lu7=lambda: L.lu_solve(LU, p0 + 3, m),
        lu8=lambda: torch.lu_unpack(LU, p0 + 3),
        lu9=lambda: L.lu(torch.zeros(0, 3)),
        lu10=lambda: L.lu(torch.zeros(3, 0)),
        lu11=lambda: L.lu_factor(torch.zeros(2, 0, 0)),
        lu12=lambda: L.lu(torch.zeros(2, 0, 0)),
        lu13=lambda: torch.lu_unpack(*L.lu_factor(torch.zeros(0, 0))),
        lu14=lambda: L.lu_factor(torch.zeros(0, 2, 2)),
        lu15=lambda: L.ldl_factor(torch.zeros(0, 0)),
        lu16=lambda: L.solve_triangular(torch.zeros(0, 0), torch.zeros(0, 3), upper=True),
        vn=lambda: L.vector_norm(m, 1j),
        vn2=lambda: torch.norm(m, 1j),
        vn3=lambda: L.norm(m, 1j),
        vn4=lambda: L.matrix_norm(m, 1j),
        ad1=lambda: torch.addr(m, x, x, beta=True),
        ad2=lambda: torch.addr(m, x, x, alpha=True),
        ad3=lambda: torch.addr(m, x.double(), x),
        ad4=lambda: torch.addr(m, i2, x),
        ad5=lambda: torch.addr(m.int(), i2, i2, beta=True),
        ad6=lambda: torch.addr(m.int(), i2, i2),
        ad7=lambda: torch.addr(m > 0, x > 0, x > 0, beta=True, alpha=False),
        ad8=lambda: torch.addr(m.int(), x, x),
        ad9=lambda: torch.addr(m.int(), i2, i2, alpha=1.5),
        ad11=lambda: torch.addr(m, m, x),
        ad12=lambda: torch.addr(m, x, x, beta=0),
        ch1=lambda: torch.chain_matmul(),
        ch2=lambda: torch.chain_matmul(m),
        ba1=lambda: torch.baddbmm(b.double(), b, b),
        ba3=lambda: torch.baddbmm(b, b.double(), b),
        e1=lambda: E("", []),
        e2=lambda: E(". ..", x),
        e3=lambda: E("... ...", x),
        e4=lambda: E("1", x),
        e5=lambda: E(",", x),
        e6=lambda: E("", x, x),
        e7=lambda: E("", x),
        e8=lambda: E("ai", x),
        e9=lambda: E("ai...", x),
        e10=lambda: E("a->... .", x),
        e11=lambda: E("a->..", x),
        e12=lambda: E("a->1", x),
        e13=lambda: E("a->aa", x),
        e14=lambda: E("a->i", x),
        e15=lambda: E("aa", y),
        e16=lambda: E("...,...", x, y),
        e17=lambda: E("a,a", x, torch.ones(3)),
        e18=lambda: E("a, ba", x, y),
        e19=lambda: E(x, [-1]),
        e20=lambda: E(x, [52]),
        e21=lambda: E("i->", 3),
        e22=lambda: E(x),
        e23=lambda: E("ij,jk->ik", y, y.T),
        e24=lambda: E("...->", m),
        e25=lambda: E("ii", m),
        e26=lambda: E("ii->i", m),
        md1=lambda: L.multi_dot([]),
        md2=lambda: L.multi_dot([x]),
        md3=lambda: L.multi_dot([torch.tensor(1.0), x]),
        md4=lambda: L.multi_dot([x, torch.tensor(1.0)]),
        md5=lambda: L.multi_dot([x, x, x]),
        md6=lambda: L.multi_dot([x, x.double()]),
        md7=lambda: L.multi_dot([x, torch.ones(3)]),
        md8=lambda: L.multi_dot([x, torch.ones(3, 2), x]),
        po1=lambda: torch.polar(2, 3),
        nz1=lambda: torch.nonzero(x, out=torch.zeros(1)),
        nz2=lambda: torch.nonzero(x, as_tuple=True, out=torch.zeros(1).long()),
        uf1=lambda: x.unfold(0, -1, 1),
    )


def shapes(torch: Any) -> Calls:
    x = torch.arange(9).reshape(3, 3)
    v = torch.arange(5.0)
    last = torch.zeros(2, 3, 4, 5).contiguous(memory_format=torch.channels_last)
    return dict(
        n1=lambda: x.narrow(0, torch.tensor(0.0), 1),
        n2=lambda: x.narrow(0, torch.tensor([0]), 1),
        n3=lambda: x.narrow(0, torch.tensor(True), 1),
        n4=lambda: x.narrow(0, 1.5, 1),
        n5=lambda: x.narrow(0, torch.tensor(1), 1),
        t1=lambda: v.tensor_split(1.1, 0),
        t2=lambda: v.tensor_split(torch.rand(1), 0),
        t3=lambda: v.tensor_split((2, 3.2), 0),
        t4=lambda: torch.tensor_split(v, torch.tensor([[1]]), 0),
        t5=lambda: torch.tensor_split(v, torch.tensor([1, 3])),
        b1=lambda: torch.broadcast_shapes((1,), (1,), (-12,)),
        b2=lambda: torch.broadcast_shapes((2,), (3,)),
        b3=lambda: torch.broadcast_shapes((4, 1), (2, 1, 3)),
        r1=lambda: torch.empty(()).resize_([2, 4, 2**29, 2**29]),
        r2=lambda: v.clone().resize_as_(torch.zeros(2, 2)).stride(),
        r3=lambda: torch.zeros(120).resize_as_(last).stride(),
        r4=lambda: torch.zeros(120).resize_as_(last, memory_format=torch.contiguous_format).stride(),
        r5=lambda: torch.zeros(120).resize_as_(last, memory_format=torch.preserve_format).stride(),
        v1=lambda: torch.empty(0, 3).view(0, -1),
        v2=lambda: torch.empty(0).view(-1, 0),
    )


GROUPS = (scattering, reducing, sorting, arranging, strides, corners, algebra, shapes)
CASES = [(group, name) for group in GROUPS for name in group(rushlight)]

# where PyTorch's answer is not followed, and why
OTHERWISE = {
    "maxo": "the named tuple of out= has another name there",
    "so10": "Python's own words for too many arguments",
    "lsn": "PyTorch fails on an empty list of dimensions",
    "bf": "NumPy has no bfloat16",
    "n7": "the words for negative sizes differ from function to function",
}  # fmt: skip
LAYOUT = {f"l{i}" for i in (14, 16, 21, 25, 26, 29, 42, 47)}  # strides of results that NumPy lays out otherwise


def shown(x: Any) -> Any:
    """A result as plain data."""
    if isinstance(x, (rushlight.Tensor, torch.Tensor)):
        return tuple(x.shape), str(x.dtype), x.detach().tolist()
    if isinstance(x, (tuple, list)):
        return [shown(v) for v in x]
    if isinstance(x, (rushlight.Generator, torch.Generator, type)):
        return type(x).__name__
    return str(x) if type(x).__module__.startswith(("rushlight", "torch")) else x


def same(a: Any, b: Any) -> bool:
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, (float, complex)) and isinstance(b, (float, complex)):
        return bool(np.isclose(a, b, rtol=1e-5, atol=1e-6, equal_nan=True))
    return bool(a == b)


def outcome(call: Callable[[], Any]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return shown(call())
        except Exception as error:
            return error


@pytest.mark.parametrize(("group", "name"), CASES, ids=[f"{g.__name__}-{n}" for g, n in CASES])
def test_call(group: Callable[[Any], Calls], name: str) -> None:
    if name in OTHERWISE or (group is strides and name in LAYOUT):
        pytest.skip(OTHERWISE.get(name, "laid out otherwise"))
    mine, theirs = outcome(group(rushlight)[name]), outcome(group(torch)[name])
    if isinstance(theirs, Exception):
        assert type(mine) is type(theirs), f"{mine!r} where PyTorch raises {theirs!r}"
        return
    assert not isinstance(mine, Exception), f"{mine!r} where PyTorch gives {theirs}"
    assert same(mine, theirs), f"{mine} where PyTorch gives {theirs}"


KINDS: dict[str, Callable[[Any, int, Any], Any]] = dict(
    max_pool=lambda F, n, x: getattr(F, f"max_pool{n}d")(x, 2),
    max_pool_indices=lambda F, n, x: getattr(F, f"max_pool{n}d")(x, 2, return_indices=True),
    avg_pool=lambda F, n, x: getattr(F, f"avg_pool{n}d")(x, 2),
    adaptive_max=lambda F, n, x: getattr(F, f"adaptive_max_pool{n}d")(x, 2),
    adaptive_avg=lambda F, n, x: getattr(F, f"adaptive_avg_pool{n}d")(x, 2),
    max_unpool=lambda F, n, x: getattr(F, f"max_unpool{n}d")(x[(..., *[slice(1)] * n)], x.long()[(..., *[slice(1)] * n)] * 0, 2),
    reflect=lambda F, n, x: F.pad(x, [1, 1] * n, "reflect"),
    replicate=lambda F, n, x: F.pad(x, [1, 1] * n, "replicate"),
    circular=lambda F, n, x: F.pad(x, [1, 1] * n, "circular"),
    conv=lambda F, n, x: getattr(F, f"conv{n}d")(x, x[:, :, :2]),
    conv_transpose=lambda F, n, x: getattr(F, f"conv_transpose{n}d")(x, x[:, :, :2]),
)  # fmt: skip


@pytest.mark.parametrize("n", (1, 2, 3))
@pytest.mark.parametrize("name", KINDS)
def test_kinds_of_number(name: str, n: int) -> None:
    """Which dtypes pools, padding and convolutions take, and what is said of others."""
    for dtype in ("bool", "uint8", "int32", "int64", "float32", "complex64"):
        mine, theirs = [
            outcome(partial(KINDS[name], T.nn.functional, n, T.ones(1, 1, *[4] * n).to(getattr(T, dtype))))
            for T in (rushlight, torch)
        ]
        if isinstance(theirs, Exception):
            assert type(mine) is type(theirs), f"{dtype}: {mine!r} where PyTorch raises {theirs!r}"
            assert str(mine) == str(theirs) or not isinstance(theirs, NotImplementedError), dtype
        else:
            assert not isinstance(mine, Exception), f"{dtype}: {mine!r} where PyTorch gives {theirs}"
            assert same(mine, theirs), f"{dtype}: {mine} where PyTorch gives {theirs}"


@pytest.mark.parametrize("name", ("rsqrt", "sinc", "deg2rad", "rad2deg"))
def test_half_is_rounded_once(name: str) -> None:
    x = np.linspace(0.1, 3, 512).astype(np.float16)  # whole vectors: PyTorch rounds what is left over step by step
    mine, theirs = [getattr(T, name)(T.from_numpy(x)).numpy() for T in (rushlight, torch)]
    assert mine.dtype == theirs.dtype
    assert np.array_equal(mine, theirs)


OUTS: dict[str, Callable[[Any, Any], Any]] = dict(
    pointwise=lambda T, o: T.add(T.ones(2, 2), 1, out=o),
    abs=lambda T, o: T.abs(T.ones(2, 2), out=o),
    clamp=lambda T, o: T.clamp(T.ones(2, 2), 0, 1, out=o),
    where=lambda T, o: T.where(T.ones(2, 2) > 0, T.ones(2, 2), T.zeros(2, 2), out=o),
    gather=lambda T, o: T.gather(T.ones(2, 2), 0, T.zeros(2, 2).long(), out=o),
    index_select=lambda T, o: T.index_select(T.ones(2, 2), 0, T.tensor([0, 1]), out=o),
    take=lambda T, o: T.take(T.ones(2, 2), T.zeros(2, 2).long(), out=o),
    scatter=lambda T, o: T.scatter(T.ones(2, 2), 0, T.zeros(2, 2).long(), 1.0, out=o),
    tril=lambda T, o: T.tril(T.ones(2, 2), out=o),
    copied=lambda T, o: T.t_copy(T.ones(2, 2), out=o),
    cat=lambda T, o: T.cat([T.ones(1, 2), T.ones(1, 2)], out=o),
    sort=lambda T, o: T.sort(T.ones(2, 2), out=(o, T.zeros(2, 2).long())),
    sorted_at=lambda T, o: T.sort(T.ones(2, 2), out=(T.zeros(2, 2), o)),
    topk_at=lambda T, o: T.topk(T.ones(2, 2), 2, out=(T.zeros(2, 2), o)),
    mode_at=lambda T, o: T.mode(T.ones(2, 2, 2), -1, out=(T.zeros(2, 2), o)),
    argmax=lambda T, o: T.argmax(T.ones(2, 2, 2), -1, out=o),
    amax=lambda T, o: T.amax(T.ones(2, 2, 2), -1, out=o),
    all=lambda T, o: T.all(T.ones(2, 2, 2), -1, out=o),
    any=lambda T, o: T.any(T.ones(2, 2, 2), -1, out=o),
    signbit=lambda T, o: T.signbit(T.ones(2, 2), out=o),
    isin=lambda T, o: T.isin(T.ones(2, 2), T.ones(2), out=o),
    searchsorted=lambda T, o: T.searchsorted(T.ones(3), T.ones(2, 2), out=o),
    cummax=lambda T, o: T.cummax(T.ones(2, 2), 0, out=(o, T.zeros(2, 2).long())),
    softmax=lambda T, o: T.softmax(T.ones(2, 2), 0, out=o),
    quantile=lambda T, o: T.quantile(T.ones(2, 2, 2), 0.5, dim=2, out=o),
    mm=lambda T, o: T.mm(T.ones(2, 2), T.ones(2, 2), out=o),
    outer=lambda T, o: T.outer(T.ones(2), T.ones(2), out=o),
    polar=lambda T, o: T.polar(T.ones(2, 2), T.ones(2, 2), out=o),
    fft=lambda T, o: T.fft.fft(T.ones(2, 2), out=o),
    cholesky=lambda T, o: T.linalg.cholesky(T.eye(2), out=o),
    pinv=lambda T, o: T.linalg.pinv(T.eye(2), out=o),
    eigvals=lambda T, o: T.linalg.eigvals(T.eye(2), out=o[0].clone()),
    norm=lambda T, o: T.linalg.vector_norm(T.ones(2, 2, 2), dim=2, out=o),
)  # fmt: skip


@pytest.mark.parametrize("name", OUTS)
def test_dtypes_of_out(name: str) -> None:
    """Which dtypes ``out=`` may have, and what is said of others."""
    for dtype in ("bool", "uint8", "int64", "float16", "float32", "float64", "complex64", "complex128"):
        mine, theirs = [
            outcome(partial(OUTS[name], T, T.zeros(2, 2, dtype=getattr(T, dtype)))) for T in (rushlight, torch)
        ]
        if isinstance(theirs, Exception):
            assert type(mine) is type(theirs), f"{dtype}: {mine!r} where PyTorch raises {theirs!r}"
            assert str(mine) == str(theirs), dtype
        else:
            assert not isinstance(mine, Exception), f"{dtype}: {mine!r} where PyTorch gives {theirs}"
            assert same(mine, theirs), f"{dtype}: {mine} where PyTorch gives {theirs}"
