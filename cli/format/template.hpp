// The part of Go's text/template that people write in --format: fields, strings and numbers,
// pipelines, if, with, range, and the functions docker adds (json, upper, lower, title, join,
// split, truncate, pad, println …). What a program cannot evaluate is an error, never empty text.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace davit::cli {

class Template {
public:
    // Throws Error(usage) with what docker says: "template parsing error: …".
    explicit Template(const std::string& text);
    Template(Template&&) noexcept;
    ~Template();

    // The fields of `data` (an object) are .Name; a field that it lacks is an error.
    // `.Label "x"` is the entry "x" of its member "Label" (an object).
    std::string execute(const nlohmann::json& data) const;

    struct Node;

private:
    std::unique_ptr<Node> root_;
};

// --format of a list: "table" or empty, "json" (a line each), "table TEMPLATE", or a template.
struct ListFormat {
    enum class Kind { table, table_template, json, plain_template } kind = Kind::table;
    std::string text; // the template
    static ListFormat parse(const std::string& option);
};

// rows are objects; headers maps a field to its title for "table TEMPLATE".
std::string render_list(const ListFormat& format, const std::vector<nlohmann::json>& rows,
                        const std::vector<std::string>& columns, const nlohmann::json& headers);

} // namespace davit::cli
