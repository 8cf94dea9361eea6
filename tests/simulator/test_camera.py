import pytest

from simulator.camera import Motion, Shot, motion_in, strength_in


@pytest.mark.parametrize(
    ("prompt", "motion"),
    [
        ("Gentle camera pan across the scene", Motion.PAN),
        ("The camera slowly pans over Panama", Motion.PAN),
        ("The camera rotates horizontally from a fixed position", Motion.PAN),
        ("The camera rotates vertically, it does not pan", Motion.TILT),
        ("tilting up along the tower", Motion.TILT),
        ("The focal length changes, the camera does not move", Motion.ZOOM),
        ("zoom in, no pan", Motion.ZOOM),
        ("Locked-off shot: no pan, tilt or zoom, nothing horizontally", Motion.STATIC),
        ("a static shot", Motion.STATIC),
        ("A pandemonium of expanding galaxies", Motion.ZOOM),
    ],
)
def test_the_motion_is_found_in_the_words(prompt, motion):
    assert motion_in(prompt) is motion


@pytest.mark.parametrize("motion", Motion)
@pytest.mark.parametrize("strength", [0, 0.3, 1])
def test_the_window_never_leaves_the_canvas(motion, strength):
    shot = Shot(motion, strength, 1280, 720)
    width, height = shot.canvas()
    assert width % 2 == height % 2 == 0
    for step in range(11):
        left, top, right, bottom = shot.window(step / 10)
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
        assert (right - left) * 9 == pytest.approx((bottom - top) * 16)


@pytest.mark.parametrize(
    ("prompt", "strength"),
    [
        ("The motion is subtle, slow. A sea", 0.25),
        ("The motion is strong, fast. A sea", 1.0),
        ("A strong sea", 0.5),
    ],
)
def test_the_strength_is_read_from_the_prompt(prompt, strength):
    assert strength_in(prompt) == strength
