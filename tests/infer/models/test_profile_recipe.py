"""The steps in which the chat engine asks for a profile."""

from tasks.infer.models import dots_ocr, got_ocr2
from tasks.infer.models.picture_plan import PixelSize
from tasks.infer.models.recipe import ProfileRecipe

RECIPE = ProfileRecipe(dots_ocr.PROFILE, dots_ocr.TEXT_PROFILE)


def test_a_page_is_asked_again_warmer_and_then_for_its_text():
    first, again, plain = RECIPE.steps
    assert [first.name, again.name, plain.name] == ["dots.ocr", "dots.ocr/again", "dots.ocr-text"]
    assert dict(first.sampling) == {"temperature": 0.1, "top_p": 1.0, "max_tokens": 16_384}
    assert again.sampling["temperature"] == 0.3
    assert "repetition_detection" in again.sampling
    assert dots_ocr.TEXT_PROFILE.messages("data:,", PixelSize(10, 10))[0]["content"][1]["text"].endswith(
        "Extract the text content from this image."
    )


def test_each_step_is_judged_by_the_reader_of_its_own_form():
    first, _, plain = RECIPE.steps
    assert (first.judge("[]", "stop").status, first.judge('[{"bbox": [1, 2', "length").status) == ("ok", "truncated")
    assert (first.judge("just words", "stop").status, plain.judge("just words", "stop").status) == ("unparsed", "ok")
    assert plain.judge("just words", "stop").characters == len("just words")


def test_pictures_are_sent_as_stored_where_they_can_be():
    assert RECIPE.prepared_size(1654, 2339) is None
    assert RECIPE.prepared_size(4000, 6000) == (2716, 4088)


def test_servers_other_than_vllm_are_not_told_vllms_own_fields():
    assert all("repetition_detection" not in step.sampling for step in ProfileRecipe(got_ocr2.PROFILE).steps)
