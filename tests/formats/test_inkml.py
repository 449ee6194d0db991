import pytest

from seqlabel.errors import FormatError
from seqlabel.formats import num_ungrouped_strokes, read_inkml, read_strokes


def points(strokes):
    return [stroke.tolist() for stroke in strokes.strokes]


def error_of(path, reader=read_strokes):
    with pytest.raises(FormatError) as caught:
        reader(path)
    message = str(caught.value)
    assert str(path) in message and "\n" not in message
    return message


@pytest.fixture
def inkml(tmp_path):
    def write(body, namespace=' xmlns="http://www.w3.org/2003/InkML"'):
        (tmp_path / "a.inkml").write_text(
            f"<?xml version='1.0'?>\n<ink{namespace}>{body}</ink>", encoding="utf-8"
        )
        return tmp_path / "a.inkml"

    return write


FORMAT = '<traceFormat xml:id="f"><channel name="{}"/><channel name="{}"/><channel name="{}"/></traceFormat>'


@pytest.mark.parametrize("namespace", ["", ' xmlns="http://www.w3.org/2003/InkML"'])
def test_points_are_separated_by_commas(inkml, namespace):
    assert points(read_strokes(inkml("<trace>1 2, 3.5 -4,5 6 </trace>", namespace))) == [
        [[1, 2], [3.5, -4], [5, 6]]
    ]


def test_the_order_of_the_channels_is_that_of_the_format(inkml):
    path = inkml(FORMAT.format("T", "Y", "X") + "<trace>100 1 2, 110 3 4</trace>")
    assert points(read_strokes(path)) == [[[2, 1], [4, 3]]]


def test_further_channels_are_left_out(inkml):
    path = inkml(FORMAT.format("X", "Y", "F") + "<trace>1 2 99, 3 4 98</trace>")
    assert points(read_strokes(path)) == [[[1, 2], [3, 4]]]


def test_an_axis_of_negative_orientation_is_turned_round(inkml):
    body = '<traceFormat><channel name="X"/><channel name="Y" orientation="-ve"/></traceFormat>'
    assert points(read_strokes(inkml(body + "<trace>1 2</trace>"))) == [[[1, -2]]]


def test_numbers_may_touch_where_a_sign_or_prefix_parts_them(inkml):
    # The example of the recommendation, section 3.2.1, with its table of values.
    path = inkml("""<trace>1125 18432,'23'43,"7"-8,3-5,7 -3,6 2,6 8,3 6,2 4,3 6,-1 5</trace>""")
    expected = [(1125, 18432), (1148, 18475), (1178, 18510), (1211, 18540), (1251, 18567), (1297, 18596)]
    expected += [(1349, 18633), (1404, 18676), (1461, 18723), (1521, 18776), (1580, 18834)]
    assert points(read_strokes(path)) == [[list(point) for point in expected]]


def test_an_explicit_value_ends_the_differences(inkml):
    assert points(read_strokes(inkml("<trace>10 20,'1'2,3 4,!50!60,51 61</trace>"))) == [
        [[10, 20], [11, 22], [14, 26], [50, 60], [51, 61]]
    ]


def test_a_star_carries_a_value_on(inkml):
    assert points(read_strokes(inkml("<trace>10 20,* 21,12 *</trace>"))) == [[[10, 20], [10, 21], [12, 21]]]


def test_hexadecimal_numbers_are_read(inkml):
    assert points(read_strokes(inkml("<trace>#FF #10, -#A 1</trace>"))) == [[[255, 16], [-10, 1]]]


def test_truth_values_of_other_channels_are_passed_over(inkml):
    path = inkml(FORMAT.format("X", "Y", "B") + "<trace>1 2 T,3 4 F</trace>")
    assert points(read_strokes(path)) == [[[1, 2], [3, 4]]]


def test_a_missing_value_is_refused_by_name(inkml):
    assert "'?'" in error_of(inkml("<trace>1 2, ? 3</trace>"))


@pytest.mark.parametrize(
    "text", ["1 2, 3", "1 2,, 3 4", "1 2, x 4", "'1'2", "* 1", ", 1 2", "nan 1", "1_0 2", "1 2;3 4"]
)
def test_a_broken_trace_is_refused_by_name(inkml, text):
    assert "trace" in error_of(inkml(f'<trace id="t7">{text}</trace>'))


def test_pen_up_traces_are_left_out(inkml):
    assert points(read_strokes(inkml('<trace>1 2</trace><trace type="penUp">8 9</trace>'))) == [[[1, 2]]]


def test_a_continued_trace_is_one_stroke(inkml):
    body = '<trace xml:id="a" continuation="begin">1 2</trace><trace>7 7</trace>'
    body += '<trace continuation="end" priorRef="#a">3 4</trace>'
    assert points(read_strokes(inkml(body))) == [[[1, 2], [3, 4]], [[7, 7]]]


def test_each_trace_has_the_format_of_its_context(inkml):
    body = """<definitions>
      <traceFormat xml:id="xy"><channel name="X"/><channel name="Y"/></traceFormat>
      <traceFormat xml:id="yx"><channel name="Y"/><channel name="X"/></traceFormat>
      <context xml:id="one" traceFormatRef="#xy"/><context xml:id="two" traceFormatRef="#yx"/>
    </definitions><trace contextRef="#one">1 2</trace><trace contextRef="#two">1 2</trace>"""
    assert points(read_strokes(inkml(body))) == [[[1, 2]], [[2, 1]]]


def test_a_trace_that_could_have_either_format_is_refused(inkml):
    body = """<traceFormat><channel name="X"/><channel name="Y"/></traceFormat>
      <traceFormat><channel name="Y"/><channel name="X"/></traceFormat><trace>1 2</trace>"""
    assert "trace formats" in error_of(inkml(body))


def test_annotations_come_with_the_ink(inkml):
    body = '<annotation type="truth"> été </annotation><trace>1 2</trace>'
    assert read_inkml(inkml(body)).annotations == {"truth": "été"}


def test_traces_inside_of_groups_are_read(inkml):
    assert points(
        read_strokes(inkml("<traceGroup><traceGroup><trace>1 2</trace></traceGroup></traceGroup>"))
    ) == [[[1, 2]]]


def test_a_doctype_is_refused_before_its_entities_grow(tmp_path):
    entities = '<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {b} "&{a};&{a};&{a};&{a};&{a};&{a};&{a};&{a};">'
        for a, b in zip("abcdefg", "bcdefgh", strict=True)
    )
    (tmp_path / "a.inkml").write_text(f"<!DOCTYPE ink [{entities}]><ink><trace>&h;</trace></ink>")
    assert "DOCTYPE" in error_of(tmp_path / "a.inkml")


@pytest.mark.parametrize("body", ["", "<trace></trace>", "<trace> </trace>"])
def test_ink_without_a_point_is_refused(inkml, body):
    assert "no point" in error_of(inkml(body))


def test_truncated_inkml_is_refused(inkml):
    path = inkml("<trace>1 2, 3 4</trace>")
    path.write_bytes(path.read_bytes()[:-12])
    assert "well-formed" in error_of(path)


def test_another_xml_file_is_refused(tmp_path):
    (tmp_path / "a.inkml").write_text("<alto/>")
    assert "<alto>" in error_of(tmp_path / "a.inkml")


def test_a_line_of_imadoc_has_its_writer_and_truth(corpora):
    ink = read_inkml(corpora / "imadoc/lines/writer51/writer51-sentence12-l01.inkml")
    assert ink.annotations["writer"] == "writer51" and ink.annotations["truth"]
    assert len(ink.strokes.strokes) > 3


def test_published_sentences_of_imadoc_are_read(corpora):
    paths = sorted((corpora / "imadoc/sentences").rglob("*.inkml"))[:10]
    assert paths and all(len(read_strokes(path).strokes) > 3 for path in paths)


# --- channels


def columns(values):
    return None if values is None else [column.tolist() for column in values]


def xytf(attributes="", unit=' units="ms"'):
    return (
        f'<traceFormat><channel name="X"/><channel name="Y"/><channel name="T"{unit}{attributes}/>'
        '<channel name="F"/></traceFormat>'
    )


def test_times_and_pressures_come_with_the_points(inkml):
    body = '<definitions><timestamp xml:id="t" time="1000"/></definitions>' + xytf(' respectTo="#t"')
    ink = read_strokes(inkml(body + "<trace>1 2 500 7, 3 4 510 8</trace><trace>5 6 750 9</trace>"))
    assert points(ink) == [[[1, 2], [3, 4]], [[5, 6]]]
    assert columns(ink.times) == [[0, pytest.approx(0.01)], [0.25]]
    assert columns(ink.pressures) == [[7, 8], [9]]


def test_seconds_since_1970_keep_their_milliseconds(inkml):
    ink = read_strokes(inkml(xytf() + "<trace>1 2 1600000000000 7, 3 4 1600000000008 8</trace>"))
    assert columns(ink.times) == [[0, pytest.approx(0.008, abs=1e-6)]]


@pytest.mark.parametrize(
    ("unit", "seconds"), [(' units="s"', 2.0), ("", 0.002), (' units="us"', 2e-6), (' units="ns"', 2e-9)]
)
def test_the_unit_of_time_is_that_of_the_channel(inkml, unit, seconds):
    ink = read_strokes(inkml(xytf(unit=unit) + "<trace>1 2 5 1, 3 4 7 1</trace>"))
    assert columns(ink.times) == [[0, pytest.approx(seconds)]]


def test_small_steps_without_a_unit_are_seconds(inkml):
    ink = read_strokes(inkml(xytf(unit="") + "<trace>1 2 5 1, 3 4 5.25 1</trace>"))
    assert columns(ink.times) == [[0, 0.25]]


def test_times_that_begin_anew_with_each_trace_are_not_on_one_clock(inkml):
    body = (
        xytf() + "<traceGroup><trace>1 2 0 7, 3 4 10 8</trace></traceGroup><trace>5 6 0 9, 5 6 10 9</trace>"
    )
    document = read_inkml(inkml(body))
    assert document.strokes.times is None and columns(document.strokes.pressures) == [[7, 8], [9, 9]]
    assert columns(document.groups[0].strokes.times) == [[0, pytest.approx(0.01)]]


def test_traces_that_tell_when_they_begin_are_on_one_clock(inkml):
    body = xytf() + '<trace timeOffset="100">1 2 0 7, 3 4 10 8</trace><trace timeOffset="350">5 6 0 9</trace>'
    assert columns(read_strokes(inkml(body)).times) == [[0, pytest.approx(0.01)], [0.25]]


def test_clocks_that_refer_to_one_another_are_one(inkml):
    body = """<definitions><timestamp xml:id="a" time="5000"/>
      <timestamp xml:id="b" timestampRef="#a" timeOffset="250"/></definitions>"""
    for name in "ab":
        format_ = xytf(f' respectTo="#{name}"').replace("<traceFormat>", f'<traceFormat xml:id="f{name}">')
        body += f'<context xml:id="c{name}">{format_}</context><trace>1 2 0 7</trace>'
    assert columns(read_strokes(inkml(body)).times) == [[0], [0.25]]


def test_a_timestamp_that_refers_to_itself_ends(inkml):
    body = '<definitions><timestamp xml:id="t" timestampRef="#t" timeOffset="1"/></definitions>'
    ink = read_strokes(inkml(body + xytf(' respectTo="#t"') + "<trace>1 2 5 7</trace>"))
    assert columns(ink.times) == [[0]]


def test_times_are_differences_too(inkml):
    ink = read_strokes(inkml(xytf() + "<trace>1 2 500 7,'1'1'10'0,2 2\"5\"1,1 1 * *</trace>"))
    assert points(ink) == [[[1, 2], [2, 3], [4, 5], [5, 6]]]
    assert columns(ink.times) == [[0, *[pytest.approx(value) for value in (0.01, 0.025, 0.045)]]]
    assert columns(ink.pressures) == [[7, 7, 8, 10]]


INTERMITTENT = """<traceFormat><channel name="X"/><channel name="Y"/><intermittentChannels>
  <channel name="F" default="3"/><channel name="T" units="s"/></intermittentChannels></traceFormat>"""


def test_intermittent_channels_may_be_left_out(inkml):
    ink = read_strokes(inkml(INTERMITTENT + "<trace>1 2,3 4 5 1,5 6,7 8 ? 2,9 9 * *</trace>"))
    assert points(ink) == [[[1, 2], [3, 4], [5, 6], [7, 8], [9, 9]]]
    assert columns(ink.pressures) == [[3, 5, 5, 5, 5]]
    assert columns(ink.times) == [[0, 0, 0.5, 1, 1]]


def test_intermittent_channels_that_never_come_tell_no_time(inkml):
    ink = read_strokes(inkml(INTERMITTENT + "<trace>1 2,3 4</trace>"))
    assert ink.times is None and columns(ink.pressures) == [[3, 3]]


def test_only_some_traces_with_times_give_no_times(inkml):
    body = '<context xml:id="a">' + xytf() + "</context><trace>1 2 3 4</trace>"
    body += '<context xml:id="b"><traceFormat><channel name="X"/><channel name="Y"/></traceFormat></context>'
    ink = read_strokes(inkml(body + "<trace>1 2</trace>"))
    assert ink.times is None and ink.pressures is None and len(ink.strokes) == 2


def test_a_context_holds_for_what_follows_and_a_group_hands_its_own_down(inkml):
    yx = '<traceFormat><channel name="Y"/><channel name="X"/></traceFormat>'
    body = f"""<definitions><context xml:id="one"><inkSource><traceFormat><channel name="X"/><channel name="Y"/>
      </traceFormat></inkSource></context></definitions><context>{yx}</context><trace>1 2</trace>
      <traceGroup contextRef="#one"><trace>1 2</trace></traceGroup>"""
    assert points(read_strokes(inkml(body))) == [[[2, 1]], [[1, 2]]]


def test_a_huge_number_is_refused(inkml):
    assert "float32" in error_of(inkml(f"<trace>#{'F' * 400} 1</trace>"))


def test_a_default_that_is_no_number_is_refused(inkml):
    assert "default 'x'" in error_of(
        inkml(
            '<traceFormat><channel name="X" default="x"/><channel name="Y"/></traceFormat><trace>1 2</trace>'
        )
    )


# --- groups and views

GROUPS = """<annotation type="writer">w1</annotation>
<traceGroup xml:id="line"><annotation type="truth">so what</annotation>
  <traceGroup xml:id="word"><annotation type="truth">so</annotation>
    <annotationXML type="box"><width unit="mm">7</width></annotationXML>
    <trace xml:id="a">1 2, 3 4, 5 6</trace><trace xml:id="b">7 8, 9 9</trace></traceGroup>
  <trace xml:id="c">1 1</trace></traceGroup>
<traceGroup/>"""


def test_groups_have_their_ink_and_their_annotations(inkml):
    document = read_inkml(inkml(GROUPS))
    line, empty = document.groups
    assert document.annotations == {"writer": "w1"}
    assert (line.id, line.annotations, len(line.strokes.strokes)) == ("line", {"truth": "so what"}, 3)
    (word,) = line.groups
    assert (word.annotations, points(word.strokes)) == (
        {"truth": "so"},
        [[[1, 2], [3, 4], [5, 6]], [[7, 8], [9, 9]]],
    )
    (box,) = word.xml_annotations
    assert box.get("type") == "box" and box.find("width").text == "7"
    assert empty.strokes.strokes == () and empty.groups == ()


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        ('traceDataRef="#b"', [[[7, 8], [9, 9]]]),
        ('traceDataRef="b"', [[[7, 8], [9, 9]]]),
        ('traceDataRef="#a" from="2"', [[[3, 4], [5, 6]]]),
        ('traceDataRef="#a" from="2" to="2"', [[[3, 4]]]),
        ('traceDataRef="#word" from="1:3" to="2:1"', [[[5, 6]], [[7, 8]]]),
        ('traceDataRef="#line" from="1:2" to="2"', [[[7, 8], [9, 9]], [[1, 1]]]),
        ('traceDataRef="#line" to="1:1:1"', [[[1, 2]]]),
    ],
)
def test_a_view_refers_to_parts_of_the_ink(inkml, view, expected):
    document = read_inkml(
        inkml(GROUPS + f'<traceView {view}><annotation type="truth">x</annotation></traceView>')
    )
    assert points(document.groups[-1].strokes) == expected
    assert document.groups[-1].annotations == {"truth": "x"}
    assert len(document.strokes.strokes) == 3


def test_views_hold_views_and_refer_to_views(inkml):
    body = (
        GROUPS
        + '<traceView xml:id="v"><traceView traceDataRef="#c"/><traceView traceDataRef="#a" to="1"/></traceView>'
    )
    body += '<traceView traceDataRef="#v" from="2"/>'
    *_, outer, again = read_inkml(inkml(body)).groups
    assert points(outer.strokes) == [[[1, 1]], [[1, 2]]]
    assert [points(view.strokes) for view in outer.groups] == [[[[1, 1]]], [[[1, 2]]]]
    assert points(again.strokes) == [[[1, 2]]]


def test_traces_in_definitions_count_where_a_view_refers_to_them(inkml):
    body = '<definitions><trace xml:id="d">1 2, 3 4</trace></definitions>'
    assert points(
        read_strokes(inkml(body + '<traceView traceDataRef="#d" from="2"/><trace>9 9</trace>'))
    ) == [[[9, 9]]]
    assert points(read_strokes(inkml(body + '<traceView traceDataRef="#d" from="2"/>'))) == [[[3, 4]]]
    assert "no point" in error_of(inkml(body))


def test_a_part_of_a_continued_trace_is_part_of_its_stroke(inkml):
    body = """<traceGroup><trace xml:id="a" continuation="begin">1 2</trace></traceGroup>
      <traceGroup><trace continuation="end" priorRef="#a">3 4</trace></traceGroup>"""
    document = read_inkml(inkml(body))
    assert points(document.strokes) == [[[1, 2], [3, 4]]]
    assert [points(group.strokes) for group in document.groups] == [[[[1, 2]]], [[[3, 4]]]]


@pytest.mark.parametrize(
    ("view", "message"),
    [
        ('traceDataRef="#no"', "'#no', which is no trace"),
        ('traceDataRef="#a" from="4"', "beyond"),
        ('traceDataRef="#word" to="3"', "beyond"),
        ('traceDataRef="#a" to="1:1"', "beyond"),
        ('traceDataRef="#a" from="0"', "from='0'"),
        ('traceDataRef="#a" from="x"', "from='x'"),
        ('xml:id="v" traceDataRef="#v"', "refers to itself"),
    ],
)
def test_a_view_of_what_is_not_there_is_refused_by_name(inkml, view, message):
    path = inkml(GROUPS + f"<traceView {view}/>")
    assert message in error_of(path, read_inkml)
    assert len(read_strokes(path).strokes) == 3  # the ink itself is whole


def test_views_of_views_do_not_grow_without_bound(inkml):
    body = '<trace xml:id="v0">1 2</trace>' + "".join(
        f'<traceView xml:id="v{n + 1}">' + f'<traceView traceDataRef="#v{n}"/>' * 10 + "</traceView>"
        for n in range(9)
    )
    assert "more than 1000000" in error_of(inkml(body), read_inkml)


def test_a_published_sentence_of_imadoc_has_its_label(corpora):
    document = read_inkml(corpora / "imadoc/sentences/writer10/sentence1.inkml")
    (group,) = document.groups
    truth = next(found for found in group.xml_annotations if found.get("type") == "Ground truth")
    assert truth.find("label").text == "you take out of circulation many millions of dollars"
    assert len(group.strokes.strokes) == len(document.strokes.strokes) == 28


@pytest.mark.parametrize(
    ("body", "number"),
    [
        ("<trace>1 2</trace><trace>3 4</trace>", 0),
        ("<traceGroup/><trace>1 2</trace>", 0),
        ("<traceGroup><trace>1 2</trace></traceGroup><trace>3 4</trace><trace/>", 1),
        ('<trace xml:id="a">1 2</trace><trace>3 4</trace>'
         '<traceGroup><traceView traceDataRef="#a"/></traceGroup>', 1),
        ('<traceGroup><trace>1 2</trace></traceGroup><definitions><trace xml:id="b">1 2</trace></definitions>', 0),
    ],
)  # fmt: skip
def test_strokes_beside_the_groups_are_counted(inkml, body, number):
    assert num_ungrouped_strokes(inkml(body)) == number
