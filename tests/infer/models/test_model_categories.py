"""Labels of models, known and unknown, and the category that each means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.infer.models.categories import category_of
from tasks.lake.rows import CATEGORIES


@pytest.mark.parametrize("name", CATEGORIES)
def test_the_eleven_mean_themselves(name: str):
    assert {category_of(name), category_of(name.upper()), category_of(f" {name.replace('-', '_')} ")} == {name}


@pytest.mark.parametrize(
    ("label", "category"),
    [
        ("sub_title", "Section-header"),
        ("title", "Title"),
        ("doc_title", "Title"),
        ("paragraph_title", "Section-header"),
        ("equation", "Formula"),
        ("image", "Picture"),
        ("image_caption", "Caption"),
        ("table_caption", "Caption"),
        ("table_footnote", "Footnote"),
        ("figure_title", "Caption"),
        ("header", "Page-header"),
        ("footer", "Page-footer"),
        ("vision_footnote", "Footnote"),
        ("flow chart", "Picture"),
        ("bullet list", "List-item"),
        ("inline_formula", "Formula"),
        ("Section-hea", "Section-header"),
        ("Pict", "Picture"),
        ("Tab", "Text"),
        ("", "Text"),
        ("poem", "Text"),
    ],
)
def test_other_labels_mean_the_nearest(label: str, category: str):
    assert category_of(label) == category


@given(st.text())
def test_any_label_means_one_of_the_eleven(label: str):
    assert category_of(label) in CATEGORIES
