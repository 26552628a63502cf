# SPDX-License-Identifier: MIT
"""A JPEG that any decoder takes, made by hand: gray, of 8 x 8 pixels."""
import struct

DARK, BRIGHT = 128, 228


def segment(kind, body):
    return struct.pack(">BBH", 0xff, kind, len(body) + 2) + body


def picture(number=0, shade=DARK, size=0):
    """Each number is another file; size: bytes it has at least."""
    note = segment(0xfe, str(number).encode())
    while len(note) < size:
        note += segment(0xfe, bytes(60000))
    # The mean is coded as what it is above 128: "0" nothing, "10" and seven
    # bits something; "0" ends the block, ones fill the byte.
    bits = "0" if shade == DARK else f"10{shade - 128:07b}"
    bits += "0"
    bits += "1" * (-len(bits) % 8)
    return (b"\xff\xd8" + note
            + segment(0xdb, bytes([0] + [8] * 64))
            + segment(0xc0, bytes([8, 0, 8, 0, 8, 1, 1, 0x11, 0]))
            + segment(0xc4, bytes([0x00, 1, 1] + [0] * 14 + [0, 7]))
            + segment(0xc4, bytes([0x10, 1] + [0] * 15 + [0]))
            + segment(0xda, bytes([1, 1, 0, 0, 63, 0]))
            + int(bits, 2).to_bytes(len(bits) // 8, "big") + b"\xff\xd9")
