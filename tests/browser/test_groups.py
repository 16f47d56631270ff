"""The what-if workbench: drag, keys, list, undo, locks, scenarios, links, imports."""

import re
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from browser.app_process import App
from browser.steps import chart, choose, colleague, open_page, press, settled
from playwright.sync_api import Browser, Locator, Page, expect

from taskviz.cache import Cache
from taskviz.ui.imports import import_scores
from taskviz.values import AffinityMatrix
from taskviz.verbs import affinity_key, compute_affinity, load_collection, price_groups

NAMES = ("ash", "birch", "cedar", "dogwood", "elm", "<b>fir</b>")
BLOCKS = (0, 0, 1, 1, 2, 2)


def blocks_csv(path: Path, shift: float = 0.0) -> Path:
    """Three pairs that help each other, and a little noise: the plan for three is plain."""
    same = np.equal.outer(BLOCKS, BLOCKS)
    noise = np.random.default_rng(0).normal(scale=0.05, size=same.shape)
    return AffinityMatrix(same + noise + shift, NAMES, "example").save(path)


@pytest.fixture
def link(app: App, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """URL of the workbench on a matrix of this test's own, solved exactly."""
    shift = sum(map(ord, request.node.name)) / 1e6
    path = blocks_csv(tmp_path / "trees.csv", shift)
    key = import_scores(path.read_bytes(), path.name, Cache(app.cache))
    return f"{app.url}/groups?matrix={key}&grouper=selection&budget=3"


def column(page: Page, letter: str) -> Locator:
    """A column of the board."""
    return page.locator(".st-key-group_board section.column").filter(
        has=page.locator(f"header .letter:text-is('{letter}')")
    )


def card(page: Page, task: str) -> Locator:
    """A card of the board."""
    return page.locator(".st-key-group_board li.card").filter(
        has=page.locator(".name").get_by_text(task, exact=True)
    )


def at(page: Page, task: str, letter: str) -> None:
    """The task lies in this column."""
    inside = column(page, letter).locator(".name").get_by_text(task, exact=True)
    expect(inside).to_have_count(1)


def keys(page: Page, combination: str, task: str, letter: str) -> None:
    """Press keys that bring a task there; as a user does, again where nothing happens.

    Beside a busy machine the first press was seen to go nowhere, twice in five runs of all tests.
    """
    inside = column(page, letter).locator(".name").get_by_text(task, exact=True)
    for _ in range(3):
        settled(page)
        page.keyboard.press(combination)
        with suppress(AssertionError):
            expect(inside).to_have_count(1, timeout=20_000)
            return
    raise AssertionError(f"{combination} never brought {task} to group {letter}.")


def open_board(page: Page, link: str) -> None:
    """Wait for the board with its three pairs."""
    open_page(page, link, "Groups")
    at(page, "ash", "A")
    at(page, "birch", "A")
    at(page, "cedar", "B")
    at(page, "elm", "C")
    settled(page)


def test_drag_a_task_see_the_change_undo_and_redo(link: str, page: Page) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    open_board(page, link)
    expect(page.get_by_text("proven best")).to_be_visible()
    card(page, "birch").drag_to(column(page, "B"))
    at(page, "birch", "B")
    change = card(page, "birch").locator(".change.worse")
    expect(change).to_have_text(re.compile("^\N{MINUS SIGN}[01]"))
    red = change.evaluate("node => getComputedStyle(node).color")
    assert red == "rgb(199, 80, 0)"
    expect(page.get_by_text("No total: nothing is predicted for ash")).to_be_visible()
    keys(page, "Control+z", "birch", "A")
    expect(page.locator(".st-key-group_board .change")).to_have_count(0)
    keys(page, "Control+y", "birch", "B")
    settled(page)
    page.locator(".st-key-undo button").click()
    at(page, "birch", "A")
    assert errors == []


def test_the_keyboard_way_is_announced(link: str, page: Page) -> None:
    open_board(page, link)
    live = page.locator(".st-key-group_board .live")
    card(page, "cedar").focus()
    page.keyboard.press("ArrowLeft")
    at(page, "cedar", "A")
    expect(live).to_have_text(re.compile(r"^cedar moved to group A\. Predicted score .* against"))
    expect(card(page, "cedar")).to_be_focused()
    page.keyboard.press("c")
    at(page, "cedar", "C")
    expect(card(page, "cedar")).to_be_focused()
    settled(page)
    page.keyboard.press(" ")
    expect(card(page, "cedar")).to_have_class(re.compile("locked"))
    page.keyboard.press("b")
    expect(live).to_have_text(re.compile("cedar is locked"))
    at(page, "cedar", "C")


def test_the_list_way_and_a_new_group(link: str, page: Page) -> None:
    open_board(page, link)
    # Names from a file are text, never markup.
    expect(card(page, "<b>fir</b>")).to_have_count(1)
    page.get_by_role("button", name="Move").first.click()
    page.get_by_label("to group").click()
    page.get_by_role("option", name="C", exact=True).click()
    page.locator(".st-key-list_move button").click()
    at(page, "ash", "C")
    settled(page)
    # One pair is left, one task moved away from it: a group vanished when its last task left.
    page.keyboard.press("Escape")
    card(page, "birch").focus()
    page.keyboard.press("c")
    expect(page.locator(".st-key-group_board section.column:not(.new)")).to_have_count(2)
    settled(page)
    card(page, "birch").drag_to(page.locator(".st-key-group_board .column.new"))
    expect(page.locator(".st-key-group_board section.column:not(.new)")).to_have_count(3)
    expect(page.locator(".st-key-group_board .column.new")).to_have_count(0)


def test_locked_tasks_stay_when_the_budget_changes(link: str, page: Page) -> None:
    open_board(page, link)
    card(page, "birch").focus()
    page.keyboard.press("c")
    at(page, "birch", "C")
    settled(page)
    for task in ("birch", "elm"):
        page.get_by_role("button", name=f"Lock {task}").click()
        expect(card(page, task)).to_have_class(re.compile("locked"))
        settled(page)
    page.get_by_role("slider").first.focus()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_text("solved again with the locked tasks")).to_be_visible()
    expect(page.locator(".st-key-group_board section.column:not(.new)")).to_have_count(2)
    for task in ("birch", "elm"):
        at(page, task, "B")
    settled(page)
    page.keyboard.press("Control+z")
    expect(page.get_by_role("slider").first).to_have_value("3")
    at(page, "birch", "C")


def save(page: Page, name: str, notes: str) -> None:
    """Save what is on the board as a scenario."""
    page.get_by_role("textbox", name="Name of the scenario").fill(name)
    page.get_by_label("Notes").fill(notes)
    press(page, "Save scenario")
    expect(page.get_by_text(notes)).to_be_visible()
    settled(page)


def test_two_scenarios_and_their_difference(link: str, page: Page, browser: Browser) -> None:
    open_board(page, link)
    save(page, "as proposed", "What the solver says")
    card(page, "birch").focus()
    page.keyboard.press("b")
    at(page, "birch", "B")
    settled(page)
    save(page, "birch away", "What if birch left?")
    for name in ("as proposed", "birch away"):
        page.locator("label").filter(has_text=re.compile(f"^{name}$")).click()
        settled(page)
    expect(page.get_by_text("birch moved; together the tasks lose")).to_be_visible()
    expect(page.locator(".st-key-scenario_diff")).to_be_visible()
    # A colleague sees them too, and can put one onto the board.
    with colleague(browser) as tab:
        open_board(tab, link)
        expect(tab.get_by_text("What if birch left?")).to_be_visible()
        tab.get_by_role("button", name="Show", exact=True).nth(1).click()
        at(tab, "birch", "B")


def test_a_colleague_reads_a_comment(link: str, page: Page, browser: Browser) -> None:
    open_board(page, link)
    save(page, "talk of it", "Shall we?")
    press(page, "Comments (0)", exact=False)
    page.get_by_label("Your name").fill("Ada <b>")
    page.get_by_label("Comment", exact=True).fill("elm *alone*, =1+1")
    press(page, "Say it")
    expect(page.get_by_role("button", name="Comments (1)")).to_be_visible()
    with colleague(browser) as tab:
        open_board(tab, link)
        tab.get_by_role("button", name="Comments (1)").click()
        expect(tab.get_by_text("elm *alone*, =1+1")).to_be_visible()
        expect(tab.get_by_text("Ada <b>", exact=True)).to_be_visible()


def test_a_second_browser_sees_the_same_plan(link: str, page: Page, browser: Browser) -> None:
    open_board(page, link)
    page.get_by_role("button", name="Lock elm").click()
    expect(card(page, "elm")).to_have_class(re.compile("locked"))
    settled(page)
    locked = str(page.evaluate("location.href"))
    card(page, "dogwood").focus()
    page.keyboard.press("c")
    expect(card(page, "dogwood").locator(".change.worse")).to_be_visible()
    page.wait_for_function("before => location.href !== before", arg=locked)
    settled(page)
    with colleague(browser) as tab:
        open_page(tab, str(page.evaluate("location.href")), "Groups")
        at(tab, "dogwood", "C")
        expect(card(tab, "elm")).to_have_class(re.compile("locked"))
        expect(card(tab, "dogwood").locator(".change.worse")).to_be_visible()


def test_import_without_a_collection(app: App, page: Page, tmp_path: Path) -> None:
    open_page(page, f"{app.url}/groups", "Groups")
    bad = tmp_path / "bad.csv"
    bad.write_text("x,a,b\na,1,nan\nb,0,1\n")
    page.locator("input[type=file]").set_input_files(str(bad))
    expect(page.get_by_text("the entry from 'a' to 'b' is nan")).to_be_visible()
    page.locator("input[type=file]").set_input_files(
        str(blocks_csv(tmp_path / "my trees.csv", 0.5))
    )
    chart(page, "frontier")
    chart(page, "groups_graph")
    expect(card(page, "ash")).to_have_count(1)
    expect(page.get_by_text("there is no data here to train on")).to_be_visible()
    expect(page.get_by_text("so only models can be counted")).to_be_visible()
    train = page.get_by_role("button", name=re.compile("Train these groups"))
    expect(train).to_be_disabled()
    page.wait_for_url(re.compile("matrix=i-"))


def test_import_of_a_subset_table(app: App, page: Page, tmp_path: Path) -> None:
    path = tmp_path / "subsets.csv"
    path.write_text(
        "subset,cost,a,b,c\na,0.5,2,,\nb,0.5,,2,\nc,0.5,,,2\n"
        "a,1,1.5,,\nb,1,,1.5,\nc,1,,,1.5\na+b,1,1,1.2,\na+c,1,3,,3\nb+c,1,,3,3\na+b+c,1,2.5,2.5,2.5\n"
    )
    open_page(page, f"{app.url}/groups", "Groups")
    page.locator("input[type=file]").set_input_files(str(path))
    chart(page, "frontier")
    expect(page.get_by_text("not affinities of pairs")).to_be_visible()
    expect(card(page, "a")).to_be_visible()


def test_stability_of_the_plan_is_a_job_of_its_own(link: str, page: Page) -> None:
    open_board(page, link)
    page.get_by_role("tab", name="Stability").click()
    test = page.get_by_role("button", name="Test this plan")
    # A matrix without standard errors: nothing is assumed unless the user says it.
    expect(test).to_be_disabled()
    expect(page.get_by_text("how noisy they are was not measured")).to_be_visible()
    noise = page.get_by_label("Assumed noise of an entry", exact=True)
    noise.fill("0.01")
    noise.press("Enter")
    expect(test).to_be_enabled()
    test.click()
    expect(page.get_by_text("returned in 100 of 100 redraws (100%)")).to_be_visible(timeout=60_000)
    chart(page, "co_occurrence")
    expect(page.get_by_text("returned in 100% of 100 redraws")).to_be_visible()
    settled(page)
    tested = str(page.evaluate("location.href"))
    # Another plan has not been tested: the badge goes, and the study says whose it is.
    card(page, "birch").focus()
    page.keyboard.press("b")
    at(page, "birch", "B")
    expect(page.get_by_text("returned in 100% of 100 redraws")).to_have_count(0)
    # The study is in the link.
    page.wait_for_function("before => location.href !== before", arg=tested)
    settled(page)
    page.reload()
    at(page, "birch", "B")
    page.get_by_role("tab", name="Stability").click()
    expect(page.get_by_text("This is the study of another plan")).to_be_visible()


def test_a_budget_in_parameters(app: App, page: Page, browser: Browser) -> None:
    collection = load_collection("linnerud")
    cache = Cache(app.cache)
    compute_affinity(collection, "label-correlation", cache=cache)
    key = affinity_key(collection, "label-correlation")
    prices = price_groups(collection, "parameters")
    link = f"{app.url}/groups?collection=linnerud&matrix={key}&grouper=spectral&budget=2"
    open_page(page, link, "Groups")
    chart(page, "frontier")
    settled(page)
    choose(page, "Budget counted in", "parameters")
    expect(page.get_by_text("how many parameters can you afford")).to_be_visible()
    # The plan on the board keeps its two networks, now at their price.
    two = prices.partition(2)
    expect(page.locator(".st-key-group_board section.column:not(.new)")).to_have_count(2)
    expect(page.get_by_text(f"of {two / 1e3:.3g}k parameters")).to_be_visible()
    titles = page.locator(".st-key-frontier .xtitle")
    expect(titles.filter(has_text="budget (models)")).to_have_count(0)
    expect(titles).to_have_text("budget (parameters)")
    # A budget typed in leads to the largest step within it; one too small names the least.
    typed = page.get_by_label("or type it", exact=True)
    typed.fill(str(int(two) - 1))
    typed.press("Enter")
    expect(page.locator(".st-key-group_board section.column:not(.new)")).to_have_count(1)
    settled(page)
    typed.fill("10")
    typed.press("Enter")
    least = f"{prices.partition(1) / 1e3:.3g}k parameters"
    expect(page.get_by_text("below the cheapest groups")).to_contain_text(least)
    settled(page)
    # A colleague sees the same unit and the same plan.
    with colleague(browser) as tab:
        open_page(tab, str(page.evaluate("location.href")), "Groups")
        expect(tab.get_by_text("how many parameters can you afford")).to_be_visible()
        expect(tab.locator(".st-key-group_board section.column:not(.new)")).to_have_count(1)
