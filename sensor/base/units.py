"""Units and widths of numbers, and numbers with their units for people."""

SECOND_NS = 1_000_000_000
MASK32 = 0xFFFF_FFFF
MASK64 = 0xFFFF_FFFF_FFFF_FFFF


def data_size(octets: float) -> str:
    """Octets in decimal units: `512 B`, `1.5 kB`, `23 MB`."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if octets < 999.5 or unit == "TB":
            break
        octets /= 1000
    return f"{octets:.1f} {unit}" if unit != "B" and octets < 9.95 else f"{octets:.0f} {unit}"


def duration(seconds: float) -> str:
    """A span of time for people: `350 ms`, `1.52 s`, `4 min 05 s`, `2 h 03 min`."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.995:
        return f"{seconds:.2f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
