# SPDX-License-Identifier: Apache-2.0
"""AWS's own service models (tests/providers/descriptions/*.botocore.json): requests are held against them, and answers are
written by them, in the order of the model's members."""

import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from xml.sax.saxutils import escape

FOLDER = Path(__file__).resolve().parent.parent / "providers/descriptions"


class Violation(Exception):
    """What the model forbids."""


class Model:
    def __init__(self, file):
        document = json.loads((FOLDER / file).read_text())
        self.operations, self.shapes, self.metadata = document["operations"], document["shapes"], document["metadata"]

    def shape(self, reference):
        return self.shapes[reference["shape"]]

    # Requests.

    def operation_of(self, method, path):
        """(operation, members from the path) by the model's URI templates."""
        for operation in self.operations.values():
            template = re.escape(operation["http"]["requestUri"]).replace(r"\{", "{").replace(r"\}", "}")
            match = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template), path)
            if match and operation["http"]["method"] == method:
                return operation, match.groupdict()
        raise Violation(f"no operation has {method} {path}")

    def check_parameters(self, operation, uri, query):
        shape = self.shape(operation["input"])
        known = {m.get("locationName"): m for m in shape["members"].values() if m.get("location") == "querystring"}
        for name, value in query.items():
            if name not in known:
                raise Violation(f"{operation['name']} has no parameter {name}")
            self.check_scalar(known[name], value, name)
        for member in shape["members"].values():
            if member.get("location") == "uri":
                self.check_scalar(member, uri[member["locationName"]], member["locationName"])

    def check_body(self, operation, text):
        """The body as dicts and lists, checked: names, their order, what is required, enumerations, lengths."""
        reference = operation["input"]
        namespace = reference["xmlNamespace"]["uri"]
        root = ElementTree.fromstring(text)
        if root.tag != f"{{{namespace}}}{reference['locationName']}":
            raise Violation(f"the root is {root.tag}")
        shape = self.shape(reference)
        body = {name: member for name, member in shape["members"].items() if "location" not in member}
        required = [name for name in shape.get("required", ()) if name in body]
        return self.read_structure(root, body, required, namespace)

    def read(self, element, reference, namespace):
        shape = self.shape(reference)
        if shape["type"] == "structure":
            return self.read_structure(element, shape["members"], shape.get("required", ()), namespace)
        if shape["type"] == "list":
            name = shape["member"].get("locationName", "member")
            for child in element:
                if child.tag != f"{{{namespace}}}{name}":
                    raise Violation(f"{child.tag} in a list of {name}")
            if len(element) < shape.get("min", 0) or len(element) > shape.get("max", 10**6):
                raise Violation(f"a list of {len(element)} {name}")
            return [self.read(child, shape["member"], namespace) for child in element]
        if len(element):
            raise Violation(f"{element.tag} holds elements")
        self.check_scalar(reference, element.text or "", element.tag)
        return element.text or ""

    def read_structure(self, element, members, required, namespace):
        order = {f"{{{namespace}}}{m.get('locationName', name)}": (i, name) for i, (name, m) in enumerate(members.items())}
        found, last = {}, -1
        for child in element:
            if child.tag not in order:
                raise Violation(f"{child.tag} does not belong into {element.tag}")
            place, name = order[child.tag]
            if place <= last:
                raise Violation(f"{child.tag} is out of order or twice")
            last = place
            found[name] = self.read(child, members[name], namespace)
        for name in required:
            if name not in found:
                raise Violation(f"{element.tag} lacks {name}")
        return found

    def check_form(self, operation, form):
        """The parameters of the query protocol (STS)."""
        shape = self.shape(operation["input"])
        for name, value in form.items():
            if name not in shape["members"]:
                raise Violation(f"{operation['name']} has no parameter {name}")
            self.check_scalar(shape["members"][name], value, name)
        for name in shape.get("required", ()):
            if name not in form:
                raise Violation(f"{operation['name']} lacks {name}")

    def check_scalar(self, reference, value, what):
        shape = self.shape(reference)
        if "enum" in shape and value not in shape["enum"]:
            raise Violation(f"{what} may not be {value!r}")
        if shape["type"] in ("long", "integer"):
            if not re.fullmatch(r"-?\d+", value) or not shape.get("min", -(2**63)) <= int(value) <= shape.get("max", 2**63):
                raise Violation(f"{what} is {value!r}")
        elif shape["type"] == "string":
            if not shape.get("min", 0) <= len(value) <= shape.get("max", 10**6):
                raise Violation(f"{what} has {len(value)} characters")
            if "pattern" in shape and not re.fullmatch(shape["pattern"], value):
                raise Violation(f"{what} does not match {shape['pattern']}")

    # Answers.

    def answer(self, operation, value):
        """The answer of OPERATION as XML."""
        namespace = "https://route53.amazonaws.com/doc/2013-04-01/"
        root = operation["output"]["shape"]
        inner = self.write(operation["output"], value)
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="{namespace}">{inner}</{root}>'.encode()

    def answer_query(self, operation, value):
        namespace, wrapper = self.metadata["xmlNamespace"], operation["output"]["resultWrapper"]
        inner = self.write(operation["output"], value)
        root = operation["name"] + "Response"
        return (f'<{root} xmlns="{namespace}"><{wrapper}>{inner}</{wrapper}><ResponseMetadata><RequestId>r</RequestId>'
                f"</ResponseMetadata></{root}>").encode()  # fmt: skip

    def write(self, reference, value):
        shape = self.shape(reference)
        if shape["type"] == "structure":
            unknown = set(value) - set(shape["members"])
            missing = set(shape.get("required", ())) - set(value)
            if unknown or missing:
                raise Violation(f"an answer {reference['shape']} with {unknown}, without {missing}")
            return "".join(
                f"<{m.get('locationName', name)}>{self.write(m, value[name])}</{m.get('locationName', name)}>"
                for name, m in shape["members"].items()
                if name in value
            )
        if shape["type"] == "list":
            name = shape["member"].get("locationName", "member")
            return "".join(f"<{name}>{self.write(shape['member'], item)}</{name}>" for item in value)
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if shape["type"] in ("string", "long", "integer"):
            self.check_scalar(reference, text, reference["shape"])
        return escape(text)
