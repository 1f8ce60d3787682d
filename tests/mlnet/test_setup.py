"""Where ML.NET cannot be had, one line says why."""

from __future__ import annotations

import os
import platform
import shutil

import pytest
from mlnet import setup


def test_other_machines_are_refused(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(platform, "machine", lambda: "arm64")

    assert setup.main([str(tmp_path / "home")]) == setup.NO_MLNET

    assert capsys.readouterr().err == "no ML.NET: its packages are for Linux x86_64, this is Darwin arm64\n"
    assert list(tmp_path.iterdir()) == []


def test_without_apt_get_there_is_no_compiler(monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "which", lambda _: None)

    with pytest.raises(setup.CannotError, match=r"^compiling C# needs mono-mcs, and there is no apt-get"):
        setup.add_csharp(tmp_path)


def test_without_root_the_command_is_told(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(os, "geteuid", lambda: 1000, raising=False)

    with pytest.raises(setup.CannotError, match=r"only root may install: apt-get install libgdiplus$"):
        setup.apt_install("libgdiplus", "loading images")


def test_the_last_words_of_a_command_are_the_reason():
    with pytest.raises(setup.CannotError, match=r"^could not list it: .*No such file or directory$"):
        setup.run("list it", "ls", "/nothing/there")
