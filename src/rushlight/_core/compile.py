"""From a declaration to a function: the steps of recording an operator, written out for its signature.

What runs when an operator is called is straight-line Python, as if written by hand for that operator.
``op.source`` shows it, and tracebacks and debuggers step through it. It is written at the first call:
until then the public function is a stub, so that importing hundreds of operators stays cheap.
"""

from __future__ import annotations

from typing import Any

SOURCES = {-1: "result_", 2000: "0"}


def source(op: Any) -> str:
    """The text of the public function of ``op``."""
    every = ", ".join(op.parameters)
    code = [f"def {op.name}({header(op)}):"]
    if op.older:
        given = ", ".join(f"{n!r}: {n}" for n in op.keywords)
        code += ["    if older:", f"        return previous(op, ({', '.join(op.positional)}, *older), {{{given}}})"]
    if "axis" in op.extras:
        code += ["    if axis is not UNSET:", "        dim = axis"]
        late = behind_dim(op)
        if late:
            given = ", ".join(f"{n}={n}" for n in late)
            code += [f"    if {' or '.join(f'{n} is UNSET' for n in late)}:", f"        missing(op, {given})"]
    if "keepdims" in op.extras:
        code += ["    if keepdims is not UNSET:", "        keepdim = keepdims"]
    tail = ""
    if "dtype" in op.extras:
        if "out" in op.extras:
            code += ["    if out is not None:", f"        dtype = summed_in(op, {op.parameters[0]}, dtype, out)"]
        code += ["    if dtype is not None:", f"        {op.parameters[0]} = cast({op.parameters[0]}, dtype)"]
        code += ["        if not inexact(dtype):", f"            return narrowed(op, ({every},), dtype, out)"]
    if "out" in op.extras:
        tail = ", out"
    for name in op.instead:
        code += [f"    if {name} is not default_{name}:"]
        code += [f"        return instead_{name}({every}, {name}{', out=out' if tail else ''})"]
    if op.simple:
        code += remembering(op) + translating(op, simple(op, f"({every},)", tail))
    else:
        code += [f"    return perform(op, ({every},){tail})"]
    return "\n".join(code) + "\n"


def dunder(op: Any, name: str) -> str:
    """The same function under the name of a Python operator of two operands."""
    a, b = op.parameters[:2]
    lines = [f"def {name}({a}, {b}):", *remembering(op)]
    every = f"({', '.join(op.parameters)},)"
    body = translating(op, simple(op, every, "", True))
    # the first operand is a tensor, unless somebody calls ``Tensor.__add__`` itself
    body += ["    except AttributeError:", f"        if isinstance({a}, Tensor):", "            raise"]
    body += [f"        return perform(op, {every})"]
    if len(op.parameters) > 2:
        lines += [f"    {n} = default_{n}" for n in op.parameters[2:]]
    for line in body:
        indent = line[: len(line) - len(line.lstrip())]
        if line.strip().startswith((f"{b}_ = operand(", "return perform(")):
            lines += [
                f"{indent}if not isinstance({b}, (Tensor, *OPERANDS)):",
                f"{indent}    return NotImplemented",
            ]
        lines.append(line)
    return "\n".join(lines) + "\n"


def remembering(op: Any) -> list[str]:
    """What a function that records remembers from call to call: the code that called it last."""
    return ["    global caller"] if op.rules else []


def translating(op: Any, body: list[str]) -> list[str]:
    """The body of a pointwise operator with NumPy's complaints said in PyTorch's words."""
    if op.family != "pointwise":
        return body
    caught = ["    except (TypeError, ValueError) as error:", "        raise refused(op, error) from None"]
    return ["    try:", *["    " + line for line in body], *caught]


def header(op: Any) -> str:
    """The parameters as PyTorch's users write them, and NumPy's names for two of them."""
    parts = []
    keyword = False
    late = behind_dim(op)
    if op.older:
        return ", ".join([*op.positional, "*older", *[f"{n}=default_{n}" for n in op.keywords]])
    for name in (*op.positional, *op.keywords):
        if name in op.keywords and not keyword:
            keyword = True
            parts.append("*")
        if name in late:
            parts.append(f"{name}=UNSET")
        else:
            parts.append(f"{name}=default_{name}" if name in op.defaults else name)
    aliases = [a for a in ("axis", "keepdims") if a in op.extras]
    if aliases and not keyword:
        parts.append("*")
    return ", ".join(parts + [f"{a}=UNSET" for a in aliases])


def behind_dim(op: Any) -> list[str]:
    """``dim`` and what stands behind it, as far as these have no default: with ``axis`` none of them comes by place."""
    if "axis" not in op.extras:
        return []
    behind = op.positional[op.positional.index("dim") :]
    return [name for name in behind if name not in op.defaults]


def simple(op: Any, every: str, tail: str, tensor: bool = False) -> list[str]:
    """The body for an operator of single tensors with a single result; ``tensor``: the first argument is one."""
    first, *rest = op.tensors
    pointwise = op.family == "pointwise"
    raw = " and ".join([f"type({first}) is ndarray", *[f"not isinstance({n}, Tensor)" for n in rest]])
    code = [
        f"    if not isinstance({first}, Tensor):",
        f"        if {raw}:",
        f"            return forward({', '.join(op.parameters)})",
        f"        return perform(op, {every}{tail})",
    ]
    code = [
        *([] if tensor else code),
        "    m = mode()",
        f"    if m > 1{' or out is not None' if tail else ''}:",
        f"        return perform(op, {every}{tail})",
        f"    {first}_ = {first}._array",
        f"    {first}_node = {first}._node",
    ]
    if pointwise and len(op.tensors) == 2:
        code += pair(op, first, rest[0])
    elif pointwise and rest:
        code += many(op)
    else:
        code += ["    Record = Record_tensor"] if op.number_names else []
        for n in rest:
            code += [
                f"    if isinstance({n}, Tensor):",
                f"        {n}_ = {n}._array",
                f"        {n}_node = {n}._node",
                "    else:",
                f"        {n}_ = operand(op, '{n}', {n})",
                f"        {n}_node = None",
                *([f"        Record = Record_{n}"] if n in op.number_names else []),
            ]
        if pointwise and op.promote == "float":
            code += [
                f"    if {first}_node is None and {first}_.dtype.kind in 'biu':",
                f"        {first}_ = {first}_.astype(dtypes.default_dtype)",
            ]
        code += [f"    result_ = forward({given(op, '_')})"]
    if op.view:
        code += [f"    if result_ is {first}_:", f"        result_ = {first}_.view()"]
    code += [
        "    if type(result_) is not ndarray:",
        "        result_ = asarray(result_)",
        "    result = new(Tensor)",
        "    result._array = result_",
    ]
    asked = [n for n in op.parameters if n in op.rules]
    if asked:
        test = " or ".join(f"{n}_node is not None" for n in asked)
        code += [f"    if m and ({test}):"] + node(op, asked, pointwise, bool(pointwise and rest))
        code += ["    else:", "        result._node = None"]
    else:
        code += ["    result._node = None"]
    if op.view:
        others = ", ".join(op.parameters[1:])
        code += [
            "    if result_.base is not None:",
            f"        view_of(result, {first}, op, ({others}{',' if others else ''}))",
        ]
    return code + ["    return result"]


def given(op: Any, suffix: str) -> str:
    """The arguments of the forward function: arrays under their names with a suffix, the rest as it is."""
    return ", ".join(f"{n}{suffix}" if n in op.tensors else n for n in op.parameters)


def pair(op: Any, a: str, b: str) -> list[str]:
    """Two operands: of one dtype (the common case), a tensor and a number, or anything to be promoted."""
    plain, ready = f"forward({given(op, '_')})", f"forward({given(op, '_ready')})"
    complexes = " and (dtype_ is F4 or (dtype_ is not C8 and dtype_ is not C16))" if op.holomorphic else ""
    number = [f"        Record = Record_{b}"] if b in op.number_names else []
    tensor = ["        Record = Record_tensor"] if b in op.number_names else []
    promote = f"{a}_ready, {b}_ready = promoted(promote, {a}_, {b}_)"
    integers = []
    if op.promote == "float":
        integers = [
            f"            if {a}_node is None and dtype_.kind in 'biu':",
            f"                {promote}",
            f"                result_ = {ready}",
            "            else:",
            f"                result_ = {plain}",
        ]
    numbers = [
        f"    elif (type({b}) is float or type({b}) is int) and (held := inexact_scalars.get(dtype_)) is not None:",
        f"        {b}_ = held.get({b})",
        f"        if {b}_ is None:",
        f"            {b}_ = scalar({b}, dtype_)",
        f"        {b}_node = None",
        *number,
        f"        same = {complexes[5:] or 'True'}",
        f"        result_ = {plain}",
    ]
    if not op.numeric(b):  # a number is refused, as the last branch does
        numbers = []
    tensors_round, numbers_round = [], []
    if op.wide:  # computed in float32 with a number or a 0-d tensor, which stays what it is
        test = f"result_.dtype is F4 and {a}_ready.dtype is F2"
        tensors_round = [f"            if {test}:", "                result_ = asarray(result_, F2)"]
        numbers_round = [
            f"        if {test}:",
            "            result_ = asarray(result_, F2)",
            f"            {b}_ = {b}_ready",
            "            same = False",
        ]
    return [
        f"    dtype_ = {a}_.dtype",
        f"    if isinstance({b}, Tensor):",
        f"        {b}_ = {b}._array",
        f"        {b}_node = {b}._node",
        *tensor,
        f"        if dtype_ is {b}_.dtype:",
        f"            same = {a}_.shape == {b}_.shape{complexes}",
        *(integers or [f"            result_ = {plain}"]),
        "        else:",
        "            same = False",
        f"            {promote}",
        f"            result_ = {ready}",
        *tensors_round,
        *numbers,
        "    else:",
        f"        {b}_ = operand(op, '{b}', {b})",
        f"        {b}_node = None",
        *number,
        f"        {promote}",
        f"        result_ = {ready}",
        f"        same = {a}_ready is {a}_ and result_.shape == {a}_.shape{complexes}",
        *numbers_round,
    ]


def many(op: Any) -> list[str]:
    """Three operands or more, or operands that may be None."""
    first, *rest = op.tensors
    code = ["    Record = Record_tensor"] if op.number_names else []
    for n in rest:
        code += [
            f"    if isinstance({n}, Tensor):",
            f"        {n}_ = {n}._array",
            f"        {n}_node = {n}._node",
            "    else:",
            f"        {n}_ = operand(op, '{n}', {n})",
            f"        {n}_node = None",
            *([f"        Record = Record_{n}"] if n in op.number_names else []),
        ]
    lead, *equal = rest if op.promote == "choose" else op.tensors  # those of one dtype
    same = [f"type({n}_) is ndarray and {first}_.shape == {n}_.shape" for n in rest]
    same += [f"{lead}_.dtype is {n}_.dtype" for n in equal]
    convert = [
        f"    {', '.join(f'{n}_ready' for n in op.tensors)}, = promoted(promote, "
        f"{', '.join(f'{n}_' for n in op.tensors)})",
        f"    result_ = forward({given(op, '_ready')})",
    ]
    if op.promote in ("same", "choose"):
        plain = ["    if same:", f"        result_ = forward({given(op, '_')})", "    else:"]
        convert = [*plain, *["    " + line for line in convert]]
    if op.holomorphic:
        convert += ["    same = same and result_.dtype is not C8 and result_.dtype is not C16"]
    return [*code, f"    same = {' and '.join(same)}", *convert]


def node(op: Any, asked: list[str], pointwise: bool, spread: bool) -> list[str]:
    """Make the node: who its parents are, which rules lead there, what they need, when and where it was made."""
    record = "Record"
    for n in op.given_names:
        record = f"({record} if {n} is None else Record_{n})"
    code = [
        f"        result._node = node = {record}()",
        f"        node.parents = ({''.join(f'{n}_node, ' for n in asked)})",
    ]
    plain = ["        node.rules = rules", f"        node.saved = {saved(op, asked, False)}"]
    if spread:
        code += ["        if same:", *["    " + line for line in plain], "        else:"]
        code += ["            node.rules = fitted_rules", f"            node.saved = {saved(op, asked, True)}"]
    else:
        code += plain
        if op.holomorphic:
            code += [
                "        dtype_ = result_.dtype",
                "        if dtype_ is not F4 and (dtype_ is C8 or dtype_ is C16):",
                "            node.rules = complex_rules",
            ]
    return code + [
        "        node.seq = next(clock)",
        "        frame = getframe(1)",
        "        code = frame.f_code",
        "        if code is not caller:",  # the caller before this one: most often it is the same
        "            if code.co_filename in theirs:",
        "                caller = code",
        "            else:",
        "                frame = outside(frame)",
        "                code = frame.f_code",
        "        node.code = code",
        "        node.lasti = frame.f_lasti",
    ]


def saved(op: Any, asked: list[str], fitted: bool) -> str:
    """The saved column: for every input that needs a gradient, what its rule named."""
    entries = []
    for name in asked:
        parts = [expression(op, s) for s in op.rules[name].sources]
        if fitted:
            parts = [f"{name}_.shape", f"{name}_.dtype", *parts]
        entry = f"({''.join(p + ', ' for p in parts)})"
        entries.append(entry if len(asked) == 1 else f"{entry} if {name}_node is not None else None")
    return f"({', '.join(entries)},)"


def expression(op: Any, source: int) -> str:
    """The local variable that holds a source; see ``declare.Rule``."""
    if source in SOURCES:
        return SOURCES[source]
    name = op.parameters[source % 1000]
    held = f"{name}_" if name in op.tensors else name
    return f"{held}.shape" if source >= 1000 else held
