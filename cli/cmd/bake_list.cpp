#include "cli/cmd/bake_list.hpp"

#include "base/csv.hpp"
#include "base/error.hpp"
#include "cli/format/json_text.hpp"
#include "cli/format/tabbed_table.hpp"

#include <algorithm>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

namespace davit::cli {

namespace {

using ListJson = nlohmann::ordered_json;

struct ListWish {
    std::string type, format = "table";
};

// As buildx reads it: one word, or fields of a line of CSV.
ListWish parse_wish(const std::string& text) {
    ListWish out;
    const auto fields = csv_fields(text);
    if (fields.size() == 1 && fields[0] == text && !text.starts_with("type=")) out.type = text;
    else
        for (const std::string& field : fields) {
            const std::size_t equals = field.find('=');
            if (equals == std::string::npos) throw error(Errc::usage, "invalid value {}", field);
            const std::string key = field.substr(0, equals), value = field.substr(equals + 1);
            if (key == "type") out.type = value;
            else if (key == "format") out.format = value.empty() ? "table" : value;
            else throw error(Errc::usage, "unexpected key '{}' in '{}'", key, field);
        }
    if (out.type != "targets" && out.type != "variables")
        throw error(Errc::usage, "invalid list type \"{}\"", out.type).with_hint("targets, or variables");
    if (out.format != "table" && out.format != "json")
        throw error(Errc::usage, "invalid list format \"{}\"", out.format).with_hint("table, or json");
    return out;
}

std::string variables(const BakeOptions& options, bool json) {
    ListJson document = ListJson::array();
    TabbedTable table({"VARIABLE", "TYPE", "VALUE", "DESCRIPTION"});
    for (const BakeVariable& v : bake_variables(options)) {
        ListJson one = {{"name", v.name}};
        if (!v.description.empty()) one["description"] = v.description;
        if (!v.type.empty()) one["type"] = v.type;
        if (v.value) one["value"] = *v.value;
        document.push_back(std::move(one));
        table.add({v.name, v.type, v.value.value_or("<null>"), v.description});
    }
    return json ? json_text(document, 2) + "\n" : table.to_string();
}

std::string targets(const BakeOptions& options, bool json) {
    ListJson document = ListJson::array();
    TabbedTable table({"TARGET", "DESCRIPTION"});
    for (BakeName& n : bake_names(options)) {
        if (n.name.starts_with('_')) continue; // private by convention
        std::string about = n.description;
        if (n.group && !n.targets.empty()) {
            std::sort(n.targets.begin(), n.targets.end());
            const std::string members = fmt::format("{}", fmt::join(n.targets, ", "));
            about = about.empty() ? members : fmt::format("{} ({})", about, members);
        }
        ListJson one = {{"name", n.name}};
        if (!about.empty()) one["description"] = about;
        if (n.group) one["group"] = true;
        document.push_back(std::move(one));
        table.add({n.name, about});
    }
    return json ? json_text(document, 2) + "\n" : table.to_string();
}

} // namespace

std::string bake_list(const std::string& wanted, const BakeOptions& options) {
    const ListWish wish = parse_wish(wanted);
    return wish.type == "variables" ? variables(options, wish.format == "json")
                                    : targets(options, wish.format == "json");
}

} // namespace davit::cli
