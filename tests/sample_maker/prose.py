"""The words of the sample documents. All of them were written for this project; nothing is quoted.

What the documents look like is said in `make_samples`.
"""

from __future__ import annotations

TITLE = "Pages as Rows: Keeping Layout in a Lake of Documents"
AUTHORS = "Ada Brook    Ben Marsh    Clara Weir"
AFFILIATION = "Institute of Imaginary Hydrology"
RUNNING_HEAD = "Proceedings of the Workshop on Document Lakes, 2026"

ABSTRACT = (
    "Collections of documents are mostly kept as files and searched as plain text. Both lose the page: where a "
    "sentence stood, which table it belonged to, and what the reader saw. We describe a small system that renders "
    "every page once, asks a model for the boxes on it, and stores pages, answers and boxes as columns. Questions that "
    "used to need a program become queries. We report what the layout costs and where it helps."
)

PAPER: tuple[tuple[str, str], ...] = (
    ("heading", "1  Introduction"),
    (
        "text",
        "A page is a picture before it is a text. Its author chose what stands beside what, which words are large, and "
        "where the eye should rest. When a program reads the same page it usually starts by throwing these choices "
        "away. The words come out in the order in which they were drawn, headers in the middle of sentences, columns "
        "interleaved, tables flattened into lists of numbers that belong to nothing.",
    ),
    (
        "text",
        "Models that read pages have become good enough to win this structure back. Given a picture they name "
        "the boxes on it, put them in reading order, and write down what each box says. What is missing is a place to "
        "put the answers. A folder of files, one for each page, is easy to write and hard to ask. A database asks "
        "well, but somebody has to run it, and pictures do not belong in it.",
    ),
    (
        "text",
        "We take the middle way. Everything is a table, every table is a folder of columnar files, and the files lie "
        "where the documents already are: in object storage. No server is needed to read them. A query engine that "
        "runs inside the reader's own process opens the files and fetches only the columns that it needs.",
    ),
    ("heading", "2  Pages and Boxes"),
    (
        "text",
        "The unit of our lake is the page. A document is known by the hash of its content, so that the same report "
        "under two names is read once. Each page is rendered a single time at a fixed resolution and stored with its "
        "size in points. All boxes are stored in points as well, measured from the upper left corner of the page as "
        "it is displayed. Two models that saw pictures of different sizes can then be compared without knowing what "
        "either of them saw.",
    ),
    (
        "text",
        "Where a document has a text layer of its own we keep it beside the picture. It serves twice. It is the "
        "cheapest source of text there is, and it is a witness: when a model claims to have read words that the "
        "layer does not have inside the same box, somebody should look.",
    ),
    ("figure", "Figure 1: A page goes through the lake. Each arrow writes files; nothing is ever changed in place."),
    ("heading", "3  Doing Work Once"),
    (
        "text",
        "Reading a million pages takes days, and in days machines fail. We keep no queue and no locks. The name of "
        "each output follows from its input alone, and a file becomes visible only when it is whole. To resume is to "
        "list what there is, subtract it from what there should be, and do the rest. Two workers that happen to do "
        "the same piece of work write the same file, and the second one changes nothing.",
    ),
    (
        "text",
        "A page that cannot be read is not skipped. It becomes a row that says why. The sum of pages read and pages "
        "refused is therefore always the number of pages that came in, and a missing page is an error that can be "
        "found by counting.",
    ),
    ("heading", "4  What It Costs"),
    (
        "text",
        "Rendering is bound by the processor and scales with the number of cores. On our machine one core rendered "
        "about nine pages a second, which is far more than a single accelerator reads. Storage is dominated by the "
        "pictures: a page of text at two hundred dots per inch takes three hundred kilobytes, its boxes four. "
        "Whoever does not need the pictures never fetches them, since they are a column of their own.",
    ),
    (
        "text",
        "Small files are the enemy of every lake. We group pages into shards of a few hundred, which keeps the number "
        "of files low and still loses little when a worker dies. Compaction later merges what daily additions leave "
        "behind.",
    ),
    ("heading", "5  Where Layout Helps"),
    (
        "text",
        "The simplest use is leaving things out. Page headers, page numbers and footnotes interrupt sentences, and a "
        "search index is better without them. The second is finding things by kind: all tables with a caption that "
        "mentions rainfall, all formulas in a chapter. The third is trust. A reader who is shown an answer together "
        "with the piece of the page from which it came can check it at a glance.",
    ),
    (
        "text",
        "Layout also shows what went wrong. A page with much ink and no boxes was probably misread. A document in "
        "which every paragraph ends in the middle of a line may have had its columns joined. Such questions are a few "
        "lines of a query each, and they can be asked of the whole collection before anyone relies on it.",
    ),
    ("heading", "6  How We Checked"),
    (
        "text",
        "We read forty reports by hand and drew their boxes, without looking at what the models had said. Two "
        "readers did each page; where they differed, a third decided. Most differences were about lists, which "
        "some readers draw as one box and others as one box for each item, and about captions, which may or may "
        "not belong to the table above them.",
    ),
    (
        "text",
        "Against these boxes every model was measured in the same way. We count a box as found when it covers "
        "most of the drawn one and little else, and we compare the words inside after spaces have been made "
        "equal. Both numbers matter. A model that finds every box and misreads a third of the words is as useless "
        "as one that reads perfectly whatever it happens to see.",
    ),
    (
        "text",
        "The order of the boxes is measured apart. For each pair of neighbours in the drawn order we ask whether "
        "the model puts the first before the second. On pages of one column all models are nearly perfect. On "
        "pages of two, the weaker ones jump across the gap in the middle as soon as a figure interrupts a column.",
    ),
    ("heading", "7  Limits"),
    (
        "text",
        "Handwriting remains hard, and so do maps, on which text runs in every direction. Formulas are stored as "
        "the model writes them; we do not know whether two different ways to write one formula mean the same. "
        "Tables that go on over several pages are kept as several tables, because the page is our unit and we did "
        "not want to guess.",
    ),
    (
        "text",
        "A lake also forgets nothing by itself. When a document is taken out of the collection, its pages stay "
        "until somebody asks for them to be dropped. For some collections this is a virtue, for others it is a "
        "legal matter, and it should be decided before the first page is read.",
    ),
    (
        "text",
        "Finally, boxes are rectangles. Text that flows around a picture, or a column that was scanned askew, "
        "does not fit into them well. In our reports this concerned one page in two hundred.",
    ),
    ("heading", "8  Conclusion"),
    (
        "text",
        "Keeping the page costs little and gives much back. We hope that more collections will be kept this way, with "
        "the picture, the answer and the box side by side, so that the next model can be compared with the last one "
        "without reading everything again from the start.",
    ),
)

FOOTNOTE = "* The institute and its authors are invented; so are all measurements in this sample."

LEVELS = (
    ("Station", "Water level (cm)", "", "Remarks"),
    ("", "Spring", "Autumn", ""),
    ("Upper Lake", "412", "387", "gauge moved in May"),
    ("Mill Pond", "96", "88", "none"),
    ("Old Harbour", "1,204", "1,198", "tidal, daily mean"),
    ("Reed Bay", "53", "-", "dry since August"),
)

COSTS = (
    ("Step", "Pages per second", "Bytes per page", "Share of cost"),
    ("Render", "9.1", "312,000", "18 %"),
    ("Read", "4.6", "2,100", "79 %"),
    ("Store", "850.0", "3,900", "2 %"),
    ("Publish", "9,000.0", "40", "1 %"),
)

TABLE_TEXT = (
    "Water levels were read twice a year at four stations. Table 1 gives the median of each season in centimetres "
    "above the local datum. A dash stands for a season without a reading.",
    "The second table has no vertical lines, as is usual in journals. It compares the four steps of a pipeline. "
    "Speeds are per core for rendering and per accelerator for reading.",
    "Both tables were invented for this sample. Their numbers mean nothing, but they are aligned as real ones are.",
)

FORMULA_TEXT = (
    "Let a page have the width w and the height h, both in points. A picture of it at r dots per inch then has",
    "pixels. A box that covers the fraction f of the page covers the same fraction of its picture, whatever the "
    "resolution is. To compare two boxes A and B we use the ratio of their intersection to their union,",
    "which is one when they agree and zero when they do not touch. The expected score of a model over a collection "
    "of n pages is the weighted mean",
    "where each weight is the area of the page that is covered by ink. Its standard error and the "
    "density of the scores satisfy",
    "so that four times as many pages halve the error.",
)

Piece = tuple[float, float, str, float, str]
"""A piece of a formula: x and y from its left end and base line, the style (`I`, or `S` for Symbol), size, text."""

FORMULAS: tuple[tuple[tuple[Piece, ...], tuple[tuple[float, float, float], ...]], ...] = (
    (
        (
            (0, 0, "I", 13, "W"),
            (16, 0, "", 13, "="),
            (30, -8, "I", 13, "r w"),
            (34, 9, "", 13, "72"),
            (56, 0, "", 13, ","),
            (76, 0, "I", 13, "H"),
            (92, 0, "", 13, "="),
            (106, -8, "I", 13, "r h"),
            (109, 9, "", 13, "72"),
        ),
        (
            (29, -4, 22),
            (104, -4, 22),
        ),
    ),
    (
        (
            (0, 0, "", 13, "IoU"),
            (22, 0, "", 13, "("),
            (27, 0, "I", 13, "A, B"),
            (50, 0, "", 13, ") ="),
            (72, -8, "", 13, "|"),
            (76, -8, "I", 13, "A"),
            (87, -8, "S", 13, "\xc7"),
            (100, -8, "I", 13, "B"),
            (109, -8, "", 13, "|"),
            (72, 10, "", 13, "|"),
            (76, 10, "I", 13, "A"),
            (87, 10, "S", 13, "\xc8"),
            (100, 10, "I", 13, "B"),
            (109, 10, "", 13, "|"),
        ),
        ((71, -4, 42),),
    ),
    (
        (
            (0, 0, "S", 13, "m"),
            (14, 0, "", 13, "="),
            (30, 3, "S", 20, "\xe5"),
            (32, 15, "I", 8, "i"),
            (35, 15, "", 8, "=1"),
            (36, -15, "I", 8, "n"),
            (48, 0, "I", 13, "w"),
            (57, 3, "I", 8, "i"),
            (62, 0, "I", 13, "s"),
            (67, 3, "I", 8, "i"),
            (80, 0, "", 13, "/"),
            (92, 3, "S", 20, "\xe5"),
            (94, 15, "I", 8, "i"),
            (97, 15, "", 8, "=1"),
            (98, -15, "I", 8, "n"),
            (110, 0, "I", 13, "w"),
            (119, 3, "I", 8, "i"),
        ),
        (),
    ),
    (
        (
            (0, 0, "S", 13, "s"),
            (8, 3, "S", 8, "m"),
            (18, 0, "", 13, "="),
            (34, -8, "S", 13, "s"),
            (31, 10, "S", 13, "\xd6"),
            (39, 10, "I", 13, "n"),
            (54, 0, "", 13, ","),
            (72, 0, "S", 13, "\xf2"),
            (79, 8, "", 8, "0"),
            (81, -9, "", 8, "1"),
            (88, 0, "I", 13, "p"),
            (96, 0, "", 13, "("),
            (101, 0, "I", 13, "s"),
            (107, 0, "", 13, ")"),
            (114, 0, "I", 13, "ds"),
            (130, 0, "", 13, "= 1"),
        ),
        (
            (30, -4, 18),
            (38, 0, 10),
        ),
    ),
)

LIST_TEXT = "Before a collection is read for the first time, it pays to look at it. We go through two lists."
BULLETS = (
    (0, "\x95", "Count the objects and add up their sizes; surprises here are cheap."),
    (0, "\x95", "Open some of the largest files. Often they are scans of a resolution that nobody asked for."),
    (0, "\x95", "Look for files that are not what their names say:"),
    (1, "-", "web pages that were saved with the suffix of a document,"),
    (1, "-", "archives within archives,"),
    (1, "-", "files of no bytes at all."),
    (0, "\x95", "Ask who may read the results."),
)
RUN_OVERNIGHT = (
    "Run the rest overnight. A run that was stopped goes on where it ended, so there is no harm in starting early and "
    "stopping it again."
)
NUMBERS = (
    (0, "1.", "Run a hundred pages and read the failures."),
    (0, "2.", "Choose the resolution:"),
    (1, "a)", "150 dots per inch for large print,"),
    (1, "b)", "200 for most reports,"),
    (1, "c)", "300 for footnotes and old newspapers."),
    (0, "3.", RUN_OVERNIGHT),
    (0, "4.", "Count once more. Pages in, pages out, pages refused."),
)

SCAN_TITLE = "Report on the Condition of the Archive"
SCAN_TEXT = (
    "The archive in the cellar of the town hall holds about four thousand folders. Most of them were typed, some were "
    "written by hand, and none of them exist in any other form. In the spring the cellar was flooded to the height of "
    "the second shelf.",
    "We have dried the folders and begun to scan them. Each page is laid on the glass by hand, which explains why the "
    "pictures are never quite straight. Dust and the grain of the paper are visible and should not be mistaken for "
    "punctuation.",
    "Of the first six hundred pages we have read every tenth by eye. On most of them the print is clear. About thirty "
    "are so pale that even a patient reader has to guess, and on twelve the ink has run. We have put these aside and "
    "will photograph them again under a stronger lamp.",
    "The folders from the years of the war are the most urgent. Their paper is thin and already breaks at the folds, "
    "and each time that one of them is opened something is lost.",
    "We recommend that the scans be read by machine as soon as possible, and that the shelves be raised by one metre "
    "before the winter. A list of the damaged folders is kept in the office on the first floor.",
)
SCAN_SIGNED = "Clara Weir, keeper of the archive, 14 March 2026"

LETTER_TEXT = (
    "Dear Mr Marsh,",
    "thank you for the three boxes of maps. They arrived dry and in good order. The sheet that you were looking for, "
    "number 27, was folded into the back of number 31.",
    "We will scan all of them in the first week of May and send you the pictures together with a list of the names "
    "that the machine found on them. Please tell us which it got wrong.",
    "With kind regards,",
    "Ada Brook",
)

FAX_COVER = (
    ("To:", "Office of Public Works"),
    ("From:", "Institute of Imaginary Hydrology"),
    ("Date:", "3 February 2026"),
    ("Pages:", "2, with this one"),
    ("Subject:", "Water level at the Old Harbour"),
)
FAX_TEXT = (
    "The water at the Old Harbour stood at 1,204 centimetres this morning and is rising by two centimetres an hour.",
    "If the wind does not turn before noon the lower quay should be closed. We will send the next reading at eleven.",
)

CHINESE_TITLE = "把文件存成一座湖"
CHINESE_AUTHOR = "示例文件 · 二〇二六年"
CHINESE_TEXT = (
    ("heading", "一、为什么要保留版面"),
    (
        "text",
        "一页纸首先是一幅图，然后才是一段文字。作者决定了标题有多大，图片放在哪里，哪些句子并排出现。"
        "如果程序只取出文字，这些信息就全部丢失了。我们希望把每一页的图像、文字和位置保存在一起，"
        "这样以后的人不必重新读一遍所有的文件。",
    ),
    (
        "text",
        "湖里的每一行都有来历：它来自哪一个文件、第几页、页面上的哪一个方框。读者看到答案的时候，"
        "可以马上看到原来的页面，自己判断对错。",
    ),
    ("heading", "二、怎样提问"),
    (
        "text",
        "所有的数据都是表格，用普通的查询语言就可以提问。例如：哪些页面有表格？哪些标题里提到了“降雨”？"
        "2026年一共读了多少页？不需要服务器，也不需要另外安装数据库。",
    ),
    ("text", "读不出来的页面不会被忽略。它会变成一行记录，写明原因，改正以后可以再读一次。"),
)
CHINESE_TABLE = (
    ("地点", "春季水位", "秋季水位"),
    ("上湖", "412厘米", "387厘米"),
    ("磨坊塘", "96厘米", "88厘米"),
    ("旧港", "1204厘米", "1198厘米"),
)
CHINESE_CAPTION = "表一：各地水位（数字为虚构）"

ROTATED_TEXT = (
    "This page is stored lying on its side, with the instruction to turn it before it is shown. Scanners and drawing "
    "programs make such pages every day. A reader sees upright text; a program that ignores the instruction does not.",
    "Boxes are measured on the page as it is displayed. The first line of this paragraph is therefore near the top of "
    "the page, whatever the file says about its own coordinates.",
)
