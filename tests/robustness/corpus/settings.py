"""Settings of `segment` on a good scan and a good model: the words added to the command."""

from __future__ import annotations

from .entry import Entry

ENTRIES = [
    Entry("keep ratio too small", "A keep ratio is a number", ("-k", "0.01")),
    Entry("keep ratio above 1", "A keep ratio is a number", ("-k", "1.2")),
    Entry("a negative keep ratio", "A keep ratio is a number", ("-k", "-0.5")),
    Entry("keep ratio NaN", "A keep ratio is a number", ("-k", "nan")),
    Entry("keep ratio infinite", "A keep ratio is a number", ("-k", "inf")),
    Entry("a keep ratio in words", "--keep-ratio got", ("-k", "a lot")),
    Entry("an empty keep ratio", "--keep-ratio got", ("-k", "")),
    Entry("three ratios for two stages", "2 pruning stages", ("-k", "0.5,0.5,0.5")),
    Entry("a stride that is not a multiple of the patch", "stride", ("--stride", "5")),
    Entry("stride 0", "stride", ("--stride", "0")),
    Entry("a negative stride", "stride", ("--stride", "-4")),
    Entry("a stride larger than the window", "stride", ("--stride", "4000")),
    Entry("an unknown device", "abacus", ("--device", "abacus")),
    Entry("a device this machine does not have", "not available", ("--device", "mps")),
    Entry("an unknown precision", "int1", ("--precision", "int1")),
    Entry("an unknown structure", "no structure 'liver'", ("--labels", "liver")),
    Entry("a point with two numbers", "three numbers", ("--at", "1", "2")),
    Entry("a point in words", "three numbers", ("--at", "here")),
    Entry("a point at infinity", "three numbers", ("--at", "inf,0,0")),
    Entry("a point outside", "outside the volume", ("--at", "5000", "0", "0")),
    Entry("a frame of a 3D scan", "one frame", ("--frame", "3")),
    Entry("a negative frame", "one frame", ("--frame", "-1")),
    Entry("a picture as output", "cannot be written", ("-o", "out.png")),
    Entry("the input as output", "overwrite an input", ("-o", "scan.nii.gz")),
    Entry("two outputs in one file", "Two results", ("--tokens", "out.nii.gz")),
    Entry("an output below a file", "is a file", ("-o", "scan.nii.gz/out.nii.gz")),
    Entry("a report that is not JSON", "use .json", ("--report", "report.txt")),
    Entry("a file for --each", "name a folder", ("--each", "masks.nii.gz")),
    Entry("an output whose name is too long", "too long", ("-o", "b" * 300 + ".nii.gz")),
    Entry("an output at the end of a link to itself", "symbolic|loop|link", ("-o", "loop.nii.gz")),
    Entry("an output that is a device", "not a regular file", ("-o", "full.nii.gz")),
    Entry("an output in a folder that cannot be created", "cannot be created|cannot be inside", ("-o", "/proc/none/out.nii.gz")),
    Entry("a channel the model does not have", "no channel 'flair'", ("--channel", "flair=scan.nii.gz")),
    Entry("a channel without a file", "NAME=FILE", ("--channel", "image=")),
]  # fmt: skip
