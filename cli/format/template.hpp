// Go's text/template as people write it in --format: fields, variables, pipelines, if, with, range, templates in
// templates, Go's own functions
// and those that docker adds (json, upper, lower, title, join, split, truncate, pad). What a program cannot evaluate is
// an error, never empty text.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace davit::cli {

struct ParsedTemplate;

class Template {
public:
    // Throws Error(usage) with what docker says: "template parsing error: …".
    explicit Template(const std::string& text);
    Template(Template&&) noexcept;
    ~Template();

    // The fields of `data` (an object) are .Name; a field that it lacks is an error. `.Label "x"` is the entry "x" of
    // its member "Label" (an object). A value that is printed as it is cannot steer a terminal or fake a line; the
    // characters of `keep` stay as they are.
    std::string execute(const nlohmann::ordered_json& data, std::string_view keep = {}) const;
    // As docker's inspect: what fails with `data` is tried with `plain`, the document as its JSON has it, where a key
    // that is not there is an error.
    std::string execute_inspected(const nlohmann::ordered_json& data, const nlohmann::ordered_json& plain) const;
    // The same of a row of a list: {{json .}} is html_safe().
    std::string execute_row(const nlohmann::ordered_json& row) const;
    // The titles above a table of such rows: as docker, some functions leave them alone, and ".Label" is its argument.
    std::string execute_header(const nlohmann::ordered_json& titles) const;

private:
    std::unique_ptr<ParsedTemplate> parsed_;
};

// --format of a list: "table" or empty, "json" (a line each), "table TEMPLATE", or a template.
struct ListFormat {
    enum class Kind { table, table_template, json, plain_template } kind = Kind::table;
    std::string text; // the template
    // Rows as JSON have <, > and & as \\u003c …, as docker's lists; docker compose's have not.
    bool escapes = true;
    // What docker calls a row, where a template names a field that it has not: "formatter.imageContext".
    std::string row_type;
    static ListFormat parse(const std::string& option, const std::string& row_type = {});
};

// rows are objects; headers maps a field to its title for "table TEMPLATE".
std::string render_list(const ListFormat& format, const std::vector<nlohmann::json>& rows,
                        const std::vector<std::string>& columns, const nlohmann::json& headers);

} // namespace davit::cli
