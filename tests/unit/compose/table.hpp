// Tables of attribute values: what is written, and what `config` makes of it, or the error.
#pragma once

#include "davit/load.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace davit::test {

// expect: JSON of the attribute, "(absent)", or "! " and a part of the error.
struct Row {
    const char* yaml;
    const char* expect;
};

inline LoadOptions options_for(const std::string& text) {
    LoadOptions o;
    o.files = {"-"};
    o.stdin_text = text;
    o.current_dir = "/case";
    o.project_name = "p";
    o.environment = {{"HOME", "/home/user"}, {"FOO", "first"}, {"EMPTY", ""}, {"N", "2"}};
    o.check_consistency = false;
    o.resolve_environment = false;
    return o;
}

// The JSON of a whole file, or {"error": "path: message …"}: all errors, one a line.
inline nlohmann::json load_json(const LoadOptions& o) {
    try {
        return nlohmann::json::parse(render(load(o).project, RenderFormat::json, false));
    } catch (const LoadError& e) {
        std::string text;
        for (const Diagnostic& d : e.diagnostics()) text += d.path + ": " + d.message + "\n";
        return {{"error", text}};
    } catch (const Error& e) {
        return {{"error", e.what()}};
    }
}

inline void check(const nlohmann::json& whole, const nlohmann::json::json_pointer& at, const char* expect) {
    const std::string wanted = expect;
    if (wanted.rfind("! ", 0) == 0) {
        REQUIRE_MESSAGE(whole.contains("error"), whole.dump());
        CHECK_MESSAGE(whole["error"].get<std::string>().find(wanted.substr(2)) != std::string::npos,
                      whole["error"].get<std::string>());
        return;
    }
    REQUIRE_MESSAGE(!whole.contains("error"), whole.dump());
    if (wanted == "(absent)") CHECK_MESSAGE(!whole.contains(at), whole.dump());
    else {
        REQUIRE_MESSAGE(whole.contains(at), whole.dump());
        CHECK(whole[at].dump() == nlohmann::json::parse(wanted).dump());
    }
}

// Rows of one attribute of a service.
inline void check_attribute(const std::string& attribute, const std::vector<Row>& rows,
                            const std::string& rest = "image: x") {
    for (const Row& row : rows) {
        CAPTURE(attribute);
        CAPTURE(row.yaml);
        check(load_json(options_for("services:\n  web:\n    " + rest + "\n    " + attribute + ": " + row.yaml + "\n")),
              nlohmann::json::json_pointer("/services/web/" + attribute.substr(0, attribute.find(':'))), row.expect);
    }
}

// Rows of one top-level element called `it`.
inline void check_resource(const std::string& section, const std::vector<Row>& rows) {
    for (const Row& row : rows) {
        CAPTURE(section);
        CAPTURE(row.yaml);
        LoadOptions o = options_for("services: {web: {image: x}}\n" + section + ":\n  it: " + row.yaml + "\n");
        o.all_resources = true;
        check(load_json(o), nlohmann::json::json_pointer("/" + section + "/it"), row.expect);
    }
}

} // namespace davit::test
