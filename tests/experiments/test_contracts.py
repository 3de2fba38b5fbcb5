"""What holds for every experiment of the register: its parameter file, its jobs, their keys."""

from __future__ import annotations

import ast
import contextlib
import string
from collections import Counter
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pytest

from every_room import (
    ROOMS,
    ROOT,
    at,
    content_of,
    each_file,
    each_room,
    fault,
    keys,
    leaves,
    once,
    room,
)
from l2o.artifacts.job import Job, ordered, resolved
from l2o.config import experiment
from l2o.config.values import PRESETS
from l2o.errors import InputError
from l2o.experiments.graph import Graph, find
from l2o.kinds import KINDS
from l2o.layout import WRITES, wildcards_of
from l2o.optimizers.registry import Head, methods
from l2o.provenance import module_path
from l2o.variants import PUBLISHED

FREE = {("settings",), ("presets", "smoke", "gaussian"), ("presets",)}  # names that a file gives
# Jobs of all methods of an experiment together, and what a method may be held against.
CHECKPOINTS = ("checkpoint", "start")
OF_ALL = ("time", "join", "table", "figure", "optima", "measure")
ANOTHER = {"network_training": "mlp_sigmoid"}  # where a setting is the name of a network


@pytest.fixture(autouse=True)
def _in_the_repository(monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(experiment, "read_yaml", once)


@pytest.fixture(scope="module")
def graphs():
    """The graph of every preset."""
    with contextlib.chdir(ROOT):
        return {preset: Graph(preset) for preset in PRESETS}


@pytest.fixture(params=PRESETS)
def graph(request, graphs) -> Graph:
    return graphs[request.param]


def everything(graph: Graph) -> list[Job]:
    return [*graph.jobs, *graph.apart]


# The parameter file


def mappings(content, *place):
    """Yield the places of all mappings, of one preset only."""
    yield place
    for key, value in content.items():
        if isinstance(value, dict) and (place != ("presets",) or key == "smoke"):
            yield from mappings(value, *place, key)


@each_file
def test_a_misspelt_key_is_told_with_the_right_one(name):
    content, tried = content_of(name), 0
    for place in mappings(content):
        section = at(content, place)
        for key in [] if place in FREE else [*section]:
            section[f"{key}x"] = section.pop(key)
            told = fault(name, content)
            right = f"{'.'.join((*place, key))}x: unknown key; did you mean `{key}`?"
            assert told == right
            section[key] = section.pop(f"{key}x")
            tried += 1
    assert tried > (30 if name in ROOMS else 2)


@each_file
def test_a_key_that_nobody_knows_is_refused_at_every_place(name):
    content = content_of(name)
    for place in mappings(content):
        if place not in FREE:
            section = at(content, place)
            section["zzqq"] = next(iter(section.values()), 1.0)
            told = fault(name, content)
            if "at most 1 item" not in told:
                assert told.startswith(".".join((*place, "zzqq: unknown key; "))), told
            del section["zzqq"]


@each_file
def test_words_in_place_of_numbers_are_told_with_their_place(name):
    content = content_of(name)
    if "presets" in content:
        content["presets"] = {"smoke": content["presets"]["smoke"]}
    for place, value in [*leaves(content)]:
        if isinstance(value, (int, float)):
            *path, last = place
            for bad in ("many", float("nan")):
                at(content, path)[last] = bad
                told = fault(name, content)
                assert told.startswith(".".join(map(str, path))), told
            at(content, path)[last] = value


@each_room
def test_a_missing_or_misspelt_preset_is_told(name):
    content = content_of(name)
    del content["presets"]["smoke"]
    assert fault(name, content).startswith("presets.smoke: this key is missing; ")
    with pytest.raises(InputError, match="papers: unknown key; did you mean `paper`"):
        room(name, None, "papers")
    content["presets"] = {"tiny": content["presets"]["paper"]}
    assert "'smoke', 'laptop' or 'paper'" in fault(name, content)


@each_room
def test_methods_that_the_room_cannot_evaluate_are_refused(name):
    content = content_of(name)
    for kind in {*KINDS} - {*ROOMS[name].model.kinds}:
        method = next(iter(methods(kind)))
        told = fault(name, content | {kind: {method: {}}})
        assert told.startswith(f"{kind}: methods of this kind cannot be evaluated here; ")


@each_room
@pytest.mark.parametrize("bad", ["a-b", "a b", "../up", "ä", "", "a.b", "a\n"])
def test_a_setting_has_a_name_for_paths(name, bad):
    content = content_of(name)
    content["settings"][bad] = next(iter(content["settings"].values()))
    assert fault(name, content).startswith("settings.")


# The graph


def test_jobs_have_one_name_and_read_what_jobs_write(graph):
    jobs = everything(graph)
    whole = [*ordered(jobs)]  # raises if there is a circle
    assert {job.name for job in jobs} >= {job.name for job in whole}
    assert not [name for name, count in Counter(id(job) for job in jobs).items() if count > 1]
    seen = set()
    for job in jobs:  # inputs before what is made of them
        assert job.name not in seen
        seen.add(job.name)
        for artifact in job.reads.values():
            assert artifact.job.name in seen and artifact.role in artifact.job.writes
    found = keys(jobs)
    assert all(found[job.name] == key for job, key in zip(whole, map(key_of, whole), strict=True))


def key_of(job: Job) -> str:
    return job.key


def test_no_two_jobs_write_one_path_not_even_of_two_presets(graphs):
    for graph in graphs.values():
        paths = [path for job in everything(graph) for path in job.writes.values()]
        assert len(paths) == len({*paths})
    under = {
        preset: {p for job in graph.jobs for p in (*job.writes.values(), job.state)} - {None}
        for preset, graph in graphs.items()
    }
    for one, other in (("smoke", "laptop"), ("laptop", "paper"), ("smoke", "paper")):
        assert not under[one] & under[other]


def test_wildcards_are_those_of_the_rule_and_say_where_artifacts_lie(graph):
    for job in everything(graph):
        assert {*job.wildcards} == {*wildcards_of(job.kind)}
        assert all(
            set(value) <= {*string.ascii_letters, *string.digits, *"_."}
            for value in job.wildcards.values()
        )
        named = {"preset": graph.preset, **job.wildcards}
        paths = {role: Path(path.format(**named)) for role, path in WRITES[job.kind].items()}
        assert job.writes == paths


def test_a_command_finds_jobs_of_every_kind_and_room(graphs):
    groups: dict[tuple[str, str], list[Job]] = {}
    for job in everything(graphs["smoke"]):
        groups.setdefault((job.kind, next(iter(job.wildcards.values()), "")), []).append(job)
    ends = {job.name: job for jobs in groups.values() for job in (jobs[0], jobs[-1])}
    wanted, found = [*ends.values()], []
    for job in wanted:
        words = [job.wildcards[name] for name in wildcards_of(job.kind)]
        found.append(find(job.kind, words, "smoke"))
    assert keys(found) == keys(wanted) and [*map(inputs, found)] == [*map(inputs, wanted)]
    for copy in graphs["laptop"].copies[::8]:
        assert find("copy", copy.wildcards.values(), "laptop").key == copy.key


def inputs(job: Job) -> dict[str, Path]:
    return job.inputs


@each_room
def test_a_command_with_wrong_words_is_told_what_there_is(name):
    setting = ROOMS[name]("smoke").settings[0]
    for kind, *method in (("sample",), ("evaluate", "l2o_dm"), ("train", "l2o_dm")):
        with pytest.raises(InputError, match=rf"settings\.{setting}x: unknown key; did you mean"):
            find(kind, [name, f"{setting}x", *method], "smoke")
    with pytest.raises(InputError, match=r"methods\.zzqq: unknown key; valid are"):
        find("evaluate", [name, setting, "zzqq"], "smoke")
    with pytest.raises(InputError, match="curvess: unknown key; did you mean `curves`"):
        find("join", [ROOMS[name].report or name, "curvess"], "smoke")


def test_keys_are_the_same_in_every_graph(graph):
    assert keys(everything(Graph(graph.preset))) == keys(everything(graph))


def test_equal_keys_promise_equal_bytes_and_belong_to_one_job(graph):
    found = keys(everything(graph))
    assert len({*found.values()}) == len(found)


def entire(name: str) -> dict:
    """The parameters of a room in whose smoke preset nothing is left out."""
    content = content_of(name)
    content["presets"]["smoke"].pop("left_out", None)
    return content


def before_it(job: Job) -> set[str]:
    """Names of the methods whose trained nets a job goes on from."""
    found = [artifact.job for role, artifact in job.reads.items() if role in CHECKPOINTS]
    return {name for one in found for name in (one.wildcards["method"], *before_it(one))}


@each_room
def test_a_hyperparameter_changes_keys_of_its_method_and_what_is_made_of_it_only(name):
    before, tried = keys(room(name, entire(name)).jobs()), 0
    for kind in ROOMS[name].model.kinds:
        for method, hyper in content_of(name).get(kind, {}).items():
            known = methods(kind)[method].hyperparameters
            if known and kind not in ROOMS[name].model.bare:
                key, tried = next(iter(known)), tried + 1
                content = entire(name)
                whole = methods(kind)[method].ranges[key].startswith("integers")
                value = hyper.get(key, known[key])
                content[kind][method] = hyper | {key: value + 1 if whole else 0.77 * value}
                jobs = [*room(name, content).jobs()]
                after = keys(jobs)
                assert after.keys() == before.keys()
                changed = {job.name: job for job in jobs if after[job.name] != before[job.name]}
                for job in changed.values():
                    whose = {job.wildcards.get("method"), *before_it(job)}
                    assert method in whose or job.kind in OF_ALL
                made = {job.kind for job in changed.values()}
                assert made >= {"evaluate", "table", "figure"}
                assert ("train" in made) == room(name).contestant(method).trained
    assert tried


@each_room
def test_what_has_a_second_recipe_is_trained_twice_and_evaluated_by_both(name):
    one, before = room(name), keys(room(name).jobs())
    setting = one.settings[0]
    for method in one.contestants:
        reads = one.evaluate(setting, method).reads
        there = {role: job for role, (job, _) in reads.items() if job.kind == "train"}
        if method not in one.recipes:
            assert PUBLISHED not in there
            continue
        ours, theirs = there["checkpoint"], there[PUBLISHED]
        assert ours.key != theirs.key and not {*ours.writes.values()} & {*theirs.writes.values()}
        content = content_of(name)
        for preset in content["presets"].values():
            preset["published_training"]["rate"] *= 2
            for override in preset["published_overrides"].values():
                override["rate"] = 0.5
        after = keys(room(name, content).jobs())
        assert after[ours.name] == before[ours.name] and after[theirs.name] != before[theirs.name]
    if one.recipes:
        content = content_of(name)
        del content["presets"]["smoke"]["published_training"]
        assert "published_training: this key is missing" in fault(name, content)
        content = content_of(name)
        content[PUBLISHED]["alista"] = {}
        assert fault(name, content).startswith(f"{PUBLISHED}.alista: unknown key")


@each_room
def test_some_methods_alone_are_another_report_of_the_same_results(name):
    full = room(name)
    only = [*full.contestants][:1]
    alone = room(name, None, "smoke", only)
    assert alone.report_name != full.report_name and not {*alone.figure_names} & {
        *full.figure_names
    }
    here, there = keys(alone.jobs()), keys(full.jobs())
    shared = here.keys() & there.keys()
    assert all(here[job] == there[job] for job in shared)
    assert {kind for kind, *_ in shared} >= {"evaluate"}
    assert not {kind for kind, *_ in here.keys() - there.keys()} - {*OF_ALL}
    written = {path: job.key for job in full.jobs() for path in job.writes.values()}
    for job in alone.jobs():
        assert all(written.get(path, job.key) == job.key for path in job.writes.values())


def test_a_graph_of_some_methods_has_the_experiments_they_take_part_in():
    graph = Graph("smoke", ["alista", "adam"])
    assert {*graph.reports} >= {"fig5", "fig6", "fig7", "fig8"} and "fig3" not in graph.reports
    assert graph.claims is None and not graph.copies
    assert {job.wildcards["method"] for job in graph.jobs if job.kind == "evaluate"} == {
        *("alista", "adam")
    }
    words = ["fig6", "m5_n10", "alista"]
    one = find("evaluate", words, "smoke", ["alista", "adam"])
    assert one.key == find("evaluate", words, "smoke").key
    with pytest.raises(InputError, match="methods: alistaa: unknown key; did you mean `alista`"):
        Graph("smoke", ["alistaa"])
    with pytest.raises(InputError, match="none of alista takes part"):
        room("rastrigin", None, "smoke", ["alista"])


# What is added


@each_room
def test_an_added_setting_without_published_curves_is_in_every_report(name):
    content = entire(name)
    content["presets"] = {"smoke": content["presets"]["smoke"]}
    old, new = next(iter(content["settings"])), ANOTHER.get(name, "mine_2")
    for place in mappings(content):
        section = at(content, place)
        if old in section:
            section[new] = section[old]
    whole(one := room(name, content))
    assert f"{len(content['settings'])} settings" in one.summary()
    figure = one.figure(one.report_name)
    assert new in figure.parameters["published"]["settings"]
    assert new in figure.parameters["about"]["titles"]
    evaluated = {
        job.wildcards["method"]
        for job in one.jobs()
        if job.kind == "evaluate" and job.wildcards["setting"] == new
    }
    assert evaluated == {*one.contestants}


@dataclass(frozen=True)
class Borrowed(Head):
    """A method whose code is that of another one."""

    of: str = ""

    @property
    def module(self) -> str:
        return f"l2o.optimizers.{self.kind}.{self.of}"


@each_room
def test_six_added_methods_are_in_every_report(name, monkeypatch):
    content = content_of(name)
    kinds = [kind for kind in ROOMS[name].model.kinds if kind in content]
    added = {f"mine_{i}": kinds[i % len(kinds)] for i in range(6)}
    for method, kind in added.items():
        original = next(iter(content[kind]))
        fields = {**vars(methods(kind)[original]), "name": method}
        monkeypatch.setitem(methods(kind), method, Borrowed(**fields, of=original))
        content[kind][method] = content[kind][original]
    if name in ("unroll_length", "meta_gradients"):  # compare lengths, estimators of one method
        assert "at most 1 item" in fault(name, content)
        return
    whole(one := room(name, content))
    assert f"{len(one.contestants)} methods" in one.summary()
    figure = one.figure(one.report_name)
    assert {*added} <= {*figure.parameters["published"]["methods"]}
    for table in ("curves", "finals"):
        joined = {role.partition("/")[2] for role in one.tables()[table].reads}
        assert joined == {*one.contestants}


def whole(one) -> None:
    """All that its jobs read is written by one of them before; all have keys."""
    seen, jobs = set(), [*one.jobs()]
    for job in jobs:
        assert all(artifact.job.name in seen for artifact in job.reads.values())
        seen.add(job.name)
    assert len(seen) == len(jobs) == len({*keys(jobs).values()})


# The work


def test_all_that_jobs_name_exists(graph):
    entries = {entry for job in everything(graph) for entry in job.sources}
    for entry in entries:
        assert resolved(entry) if ":" in entry else module_path(entry).is_file()
    for job in everything(graph):
        assert callable(resolved(job.sources[0]))
        assert all(path.exists() for path in job.files.values())
        for value in chain(job.parameters.values()):
            if isinstance(value, str) and value.startswith("l2o."):
                assert resolved(value)


PARAMETERS = ("p", "who", "told")  # what works call them


def reads_of(entry: str, seen: set[str]) -> set[str]:
    """Return the names of the parameters that a function reads, by itself and by those it calls."""
    if entry in seen:
        return set()
    seen.add(entry)
    module, _, name = entry.partition(":")
    tree = ast.parse(module_path(module).read_text("utf-8"))
    imported = {
        alias.asname or alias.name: f"{node.module}:{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    own = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    found: set[str] = set()
    for node in ast.walk(own[name]) if name in own else []:
        if isinstance(node, ast.Subscript) and is_parameters(node.value):
            if isinstance(node.slice, ast.Constant):
                found.add(node.slice.value)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            to = f"{module}:{node.func.id}" if node.func.id in own else imported.get(node.func.id)
            given = [ast.unparse(argument) for argument in node.args]
            if (
                to
                and to.startswith("l2o.")
                and {*PARAMETERS, "given", "given.parameters"} & {*given}
            ):
                found |= reads_of(to, seen)
    return found


def is_parameters(node: ast.expr) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr == "parameters"
    return isinstance(node, ast.Name) and node.id in PARAMETERS


def test_no_work_reads_a_parameter_that_its_job_does_not_name(graphs):
    named: dict[str, set[str]] = {}
    for job in everything(graphs["smoke"]):
        inner = [value for value in job.parameters.values() if isinstance(value, dict)]
        known = named.setdefault(job.sources[0], set())
        known |= {*job.parameters}.union(*inner)
        known |= {*chain.from_iterable(v for d in inner for v in d.values() if isinstance(v, dict))}
    read = {entry: reads_of(entry, set()) for entry in named}
    assert {
        entry: names - named[entry] for entry, names in read.items() if names - named[entry]
    } == {}
    assert read["l2o.experiments.lasso.problem:train"] >= {"lam", "kind", "meta_training", "depth"}
