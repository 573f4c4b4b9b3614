"""Package AI Radio: five packages, the starter station, the codec's weights, and `ai-radio`."""

from pathlib import Path

from setuptools import find_packages, setup

PACKAGES = ["neural_networks", "audio_parsing", "compression", "gan", "radio"]
WEB = ["starlette>=0.46,<2", "uvicorn>=0.34,<1", "websockets>=14,<18"]
SCORES = ["mido>=1.3,<2"]
NOTATION = [*SCORES, "music21>=9.1,<11"]
# What builds the pages of docs/; the formulas become MathML, the lessons notebooks.
DOCUMENTATION = [
    "mkdocs>=1.6,<2",
    "mkdocs-material>=9.5,<10",
    "mkdocstrings[python]>=0.27",
    "latex2mathml>=3.77",
    "nbformat>=5.10",
]

setup(
    name="ai-radio",
    version="0.1.0",
    description="A radio that composes its own songs and learns your taste; NumPy and Numba only",
    long_description=(Path(__file__).parent / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    python_requires=">=3.11",
    packages=find_packages(
        include=[pattern for name in PACKAGES for pattern in (name, f"{name}.*")]
    ),
    package_data={
        "radio": [
            "*/__init__.pyi",
            *(f"stations/**/*.{kind}" for kind in ("json", "npz", "ogg")),
            "web/static/*",
        ],
        "compression": ["models/*.npz"],
    },
    install_requires=[
        "numpy>=2.2,<3",
        "scipy>=1.13,<2",
        "numba>=0.61.2,<1",
        "matplotlib>=3.9,<4",
        "sounddevice>=0.4.6,<1",
        "soundfile>=0.12.1,<1",
        "soxr>=0.4,<2",
        "platformdirs>=4.0,<5",
        "threadpoolctl>=3.4,<4",
        "lazy-loader>=0.4,<1",  # names of a sub-package are imported when they are first used
        "textual>=8,<9",
        "shtab>=1.13,<2",
    ],
    extras_require={
        "scores": SCORES,  # MIDI files are music too
        "notation": NOTATION,  # MusicXML and ABC too
        "web": WEB,  # the radio in a browser, a server for it
        "mpris": ["jeepney>=0.9,<1"],  # the desktop's media keys on Linux
        "mpi": ["mpi4py>=4.1,<5"],  # with the MPI that is there; `pip install mpich` brings one
        "test": [
            "pytest>=8.2",
            "pytest-timeout>=2.3.1",
            "pytest-xdist>=3.6.1",  # the tests in two processes: half of the time
            "hypothesis>=6.100",
            "pexpect>=4.9",
            *WEB,
            *NOTATION,
            "jeepney>=0.9,<1",
            "axe-playwright-python>=0.1.4",  # the checks of accessibility
            "playwright>=1.49",  # drives the Chromium that is there; it brings none of its own
            "ruff>=0.8",
            "mypy>=1.13",
            "codespell>=2.3",
            "scipy-stubs",
            "mpi4py>=4.1,<5",
            "mpich>=4.2; sys_platform != 'win32'",  # a whole MPI, mpiexec with it
            # tests/test_package.py builds the package without reaching for the network
            "setuptools>=70.1",
            *DOCUMENTATION,
            "nbclient>=0.10",  # some lessons run as notebooks
            "ipykernel>=6.29",
        ],
        # what makes README's pictures
        "docs": [*DOCUMENTATION, "pexpect>=4.9", "pyte>=0.8", "pillow>=10"],
        # What benchmarks/ compares with; nothing else needs them. Two more are judges of sound, of
        # which only the weights are used: pip install --no-deps basic-pitch musicnn
        "peers": ["torch>=2.4", "jax>=0.5", "onnxruntime>=1.18", "scikit-learn>=1.5"],
    },
    entry_points={"console_scripts": ["ai-radio = radio.cli.main:main"]},
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Environment :: Console",
        "Programming Language :: Python :: 3",
        "Topic :: Multimedia :: Sound/Audio",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
    ],
)
