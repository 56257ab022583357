"""The instructions of Python that a preprocessing function needs, by version, and how they are stored.

Numbers change with the version; names are those of CPython's Lib/opcode.py and Include/opcode_ids.h, where one that
does the same as another has the other's name (INPLACE_ADD is BINARY_ADD, CALL_METHOD is CALL_FUNCTION).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from models.legacy.marshal_reader import UnreadableError

OPERATORS = ("+", "&", "//", "<<", "@", "*", "%", "|", "**", ">>", "-", "/", "^")  # by the argument of BINARY_OP
SUBSCRIPT = 26  # the argument of BINARY_OP for x[key], from 3.14

_OLD = """
1 POP_TOP 2 ROT_TWO 3 ROT_THREE 4 DUP_TOP 9 NOP 10 UNARY_POSITIVE 11 UNARY_NEGATIVE 19 BINARY_** 20 BINARY_*
22 BINARY_% 23 BINARY_+ 24 BINARY_- 25 BINARY_SUBSCR 26 BINARY_// 27 BINARY_/ 28 BINARY_// 29 BINARY_/ 55 BINARY_+
56 BINARY_- 57 BINARY_* 59 BINARY_% 67 BINARY_** 83 RETURN_VALUE 92 UNPACK 100 LOAD_CONST 101 LOAD_GLOBAL
102 BUILD_TUPLE 103 BUILD_LIST 106 LOAD_ATTR 108 IMPORT_NAME 109 IMPORT_FROM 116 LOAD_GLOBAL 124 LOAD_FAST
125 STORE_FAST 131 CALL_FUNCTION 132 MAKE_FUNCTION 133 BUILD_SLICE 135 LOAD_CLOSURE 136 LOAD_DEREF 137 STORE_DEREF
"""
_NEW = """
0 CACHE 1 POP_TOP 2 NOP 9 NOP 10 UNARY_POSITIVE 11 UNARY_NEGATIVE 25 BINARY_SUBSCR 82 NOP 83 RETURN_VALUE 92 UNPACK
99 SWAP 100 LOAD_CONST 101 LOAD_GLOBAL 102 BUILD_TUPLE 103 BUILD_LIST 106 LOAD_ATTR 108 IMPORT_NAME 109 IMPORT_FROM
116 LOAD_GLOBAL_HALF 120 COPY 122 BINARY_OP 124 LOAD_FAST 125 STORE_FAST 132 MAKE_FUNCTION 133 BUILD_SLICE 135 NOP
136 LOAD_CLOSURE 137 LOAD_FAST 138 STORE_FAST 144 EXTENDED_ARG 149 NOP 151 NOP 162 LIST_EXTEND 171 CALL_FUNCTION
172 KW_NAMES
"""
_V313 = """
0 CACHE 4 BINARY_SLICE 5 BINARY_SUBSCR 26 MAKE_FUNCTION_PLAIN 30 NOP 32 POP_TOP 34 NOP 36 RETURN_VALUE
42 UNARY_NEGATIVE 45 BINARY_OP 47 BUILD_LIST 50 BUILD_SLICE 52 BUILD_TUPLE 53 CALL_FUNCTION 55 CALL_INTRINSIC_1
57 CALL_KW 61 COPY 62 NOP 71 EXTENDED_ARG 74 IMPORT_FROM 75 IMPORT_NAME 81 LIST_EXTEND 82 LOAD_ATTR_HALF
83 LOAD_CONST 84 LOAD_FAST 85 LOAD_FAST 87 LOAD_FAST 88 LOAD_FAST_LOAD_FAST 91 LOAD_GLOBAL_HALF 92 LOAD_GLOBAL 94 NOP
103 RETURN_CONST 106 SET_FUNCTION_ATTRIBUTE 109 STORE_FAST 110 STORE_FAST 111 STORE_FAST_LOAD_FAST
112 STORE_FAST_STORE_FAST 115 SWAP 117 UNPACK 149 NOP
"""
_V314 = """
0 CACHE 1 BINARY_SLICE 23 MAKE_FUNCTION_PLAIN 27 NOP 31 POP_TOP 33 NOP 35 RETURN_VALUE 41 UNARY_NEGATIVE 44 BINARY_OP
46 BUILD_LIST 49 BUILD_SLICE 51 BUILD_TUPLE 52 CALL_FUNCTION 53 CALL_INTRINSIC_1 55 CALL_KW 59 COPY 60 NOP
69 EXTENDED_ARG 72 IMPORT_FROM 73 IMPORT_NAME 79 LIST_EXTEND 80 LOAD_ATTR_HALF 82 LOAD_CONST 83 LOAD_FAST 84 LOAD_FAST
86 LOAD_FAST 87 LOAD_FAST_LOAD_FAST 88 LOAD_FAST 89 LOAD_FAST_LOAD_FAST 92 LOAD_GLOBAL_HALF 93 LOAD_GLOBAL
94 LOAD_SMALL_INT 97 NOP 108 SET_FUNCTION_ATTRIBUTE 111 STORE_FAST 112 STORE_FAST 113 STORE_FAST_LOAD_FAST
114 STORE_FAST_STORE_FAST 117 SWAP 119 UNPACK 128 NOP
"""


def _table(*texts: str) -> dict[int, str]:
    words = " ".join(texts).split()
    return {int(number): name for number, name in zip(words[::2], words[1::2], strict=True)}


@dataclass(frozen=True)
class Instructions:
    """How the instructions of some versions are stored.

    Attributes:
        versions: For people.
        layout: Of their code objects, see `marshal_reader.LAYOUTS`.
        names: Number to name.
        in_words: Two bytes each, not one or three.
        pairs_in_call: CALL_FUNCTION has the number of keywords in its high byte.
        qualified: MAKE_FUNCTION takes the function's name from the stack.
    """

    versions: str
    layout: str
    names: dict[int, str] = field(repr=False)
    in_words: bool = True
    pairs_in_call: bool = False
    qualified: bool = False

    def of(self, code: bytes) -> Iterator[tuple[str, int]]:
        """The instructions in stored bytes, each with its argument.

        Raises:
            UnreadableError: If one is not known: it decides, repeats, or is of another version.
        """
        at, high = 0, 0
        while at < len(code):
            number = code[at]
            n_bytes = 2 if self.in_words else 3 if number >= 90 else 1
            if at + n_bytes > len(code):
                raise UnreadableError("its code is cut off")
            argument = int.from_bytes(code[at + 1 : at + n_bytes], "little") + high
            at += n_bytes
            name = self.names.get(number)
            if name is None:
                raise UnreadableError("it decides, repeats, or does something else that no preprocessing needs")
            high = (argument << (8 if self.in_words else 16)) & 0xFFFFFFFF if name == "EXTENDED_ARG" else 0
            if name not in ("CACHE", "NOP", "EXTENDED_ARG"):
                yield name, argument


KINDS = (
    Instructions(
        "Python 2.7", "2.7", _table(_OLD, "21 BINARY_/ 58 BINARY_/ 145 EXTENDED_ARG"), in_words=False,
        pairs_in_call=True,
    ),
    Instructions(
        "Python 3.4 to 3.5", "3.0", _table(_OLD, "144 EXTENDED_ARG"), in_words=False, pairs_in_call=True,
        qualified=True,
    ),
    Instructions(
        "Python 3.6 to 3.7", "3.0",
        _table(_OLD, "141 CALL_KW 144 EXTENDED_ARG 160 LOAD_ATTR 161 CALL_FUNCTION"), qualified=True,
    ),
    Instructions(
        "Python 3.8 to 3.10", "3.8",
        _table(_OLD, "82 NOP 141 CALL_KW 144 EXTENDED_ARG 160 LOAD_ATTR 161 CALL_FUNCTION 162 LIST_EXTEND"),
        qualified=True,
    ),
    Instructions("Python 3.11", "3.11", _table(_NEW, "160 LOAD_ATTR 166 NOP")),
    Instructions(
        "Python 3.12", "3.11",
        _table(_NEW, "26 BINARY_SLICE 106 LOAD_ATTR_HALF 121 RETURN_CONST 127 LOAD_FAST 173 CALL_INTRINSIC_1"),
    ),
    Instructions("Python 3.13", "3.11", _table(_V313)),
    Instructions("Python 3.14", "3.11", _table(_V314)),
)  # fmt: skip
