from mnistkit.testing import FormatContract


class TestNpy(FormatContract):
    format = "npy"
