#include "base/error.hpp"
#include "cli/format/json_text.hpp"
#include "cli/format/table.hpp"
#include "cli/format/template.hpp"
#include "cli/format/template_escapes.hpp"
#include "cli/format/template_functions.hpp"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

namespace davit::cli {

namespace {

using PlainJson = nlohmann::json;

// Docker takes the two characters \t and \n for tab and newline, in lists only.
std::string unescaped(std::string text) {
    for (const auto& [from, to] : {std::pair{"\\t", '\t'}, std::pair{"\\n", '\n'}})
        for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; ++at) text.replace(at, 2, 1, to);
    return text;
}

// What --format raw writes of a row, for the lists that have it.
constexpr std::pair<std::string_view, const char*> raw_rows[] = {
    {"formatter.ContainerContext",
     "container_id: {{.ID}}\nimage: {{.Image}}\ncommand: {{.Command}}\ncreated_at: {{.CreatedAt}}\n"
     "state: {{- pad .State 1 0}}\nstatus: {{- pad .Status 1 0}}\nnames: {{.Names}}\nlabels: {{- pad .Labels 1 0}}\n"
     "ports: {{- pad .Ports 1 0}}\n"},
    {"formatter.imageContext", "repository: {{.Repository}}\ntag: {{.Tag}}\nimage_id: {{.ID}}\n"
                               "created_at: {{.CreatedAt}}\nvirtual_size: {{.Size}}\n"},
    {"formatter.volumeContext", "name: {{.Name}}\ndriver: {{.Driver}}\n"},
    {"formatter.diskUsageImagesContext", "type: {{.Type}}\ntotal: {{.TotalCount}}\nactive: {{.Active}}\n"
                                         "size: {{.Size}}\nreclaimable: {{.Reclaimable}}\n"},
    {"network.networkContext", "network_id: {{.ID}}\nname: {{.Name}}\ndriver: {{.Driver}}\nscope: {{.Scope}}\n"},
    {"service.serviceContext", "id: {{.ID}}\nname: {{.Name}}\nmode: {{.Mode}}\nreplicas: {{.Replicas}}\n"
                               "image: {{.Image}}\nports: {{.Ports}}\n"},
    {"task.taskContext", "id: {{.ID}}\nname: {{.Name}}\nimage: {{.Image}}\nnode: {{.Node}}\n"
                         "desired_state: {{.DesiredState}}\ncurrent_state: {{.CurrentState}}\n"
                         "error: {{.Error}}\nports: {{.Ports}}\n"},
    {"node.nodeContext", "node_id: {{.ID}}\nhostname: {{.Hostname}}\nstatus: {{.Status}}\n"
                         "availability: {{.Availability}}\nmanager_status: {{.ManagerStatus}}\n"},
};

std::string trimmed(const std::string& text) {
    const std::size_t start = text.find_first_not_of(' ');
    return start == std::string::npos ? "" : text.substr(start, text.find_last_not_of(' ') + 1 - start);
}

std::vector<std::string> cells_of(const std::string& line) {
    std::vector<std::string> cells(1);
    for (const char c : line) {
        if (c == '\t') cells.emplace_back();
        else cells.back() += c;
    }
    return cells;
}

std::string rendered(const ListFormat& format, const std::vector<PlainJson>& rows,
                     const std::vector<std::string>& columns, const PlainJson& headers) {
    std::string out;
    Table table;
    switch (format.kind) {
    case ListFormat::Kind::json:
        for (PlainJson row : rows) {
            if (const auto label = row.find("Label"); label != row.end() && label->is_object()) row.erase(label);
            out += (format.escapes ? html_safe(json_text(row)) : json_text(row)) + "\n";
        }
        return out;
    case ListFormat::Kind::plain_template: {
        const Template shape(format.text);
        for (const PlainJson& row : rows) out += (format.escapes ? shape.execute_row(row) : shape.execute(row)) + "\n";
        return out;
    }
    case ListFormat::Kind::table_template: {
        const Template shape(format.text);
        table.as_it_is = true; // but for what the user wrote, the template has seen to it
        for (const PlainJson& row : rows) table.rows.push_back(cells_of(shape.execute(row)));
        table.header = cells_of(shape.execute_header(headers));
        return table.to_string();
    }
    case ListFormat::Kind::table:
        for (const std::string& column : columns) table.header.push_back(headers.at(column).get<std::string>());
        for (const PlainJson& row : rows) {
            std::vector<std::string> cells;
            for (const std::string& column : columns) cells.push_back(go_text(row.at(column)));
            table.rows.push_back(std::move(cells));
        }
        return table.to_string();
    }
    return out;
}

} // namespace

ListFormat ListFormat::parse(const std::string& option, const std::string& row_type) {
    ListFormat out;
    out.row_type = row_type;
    const auto raw = std::find_if(std::begin(raw_rows), std::end(raw_rows),
                                  [&](const auto& row) { return option == "raw" && row.first == row_type; });
    if (raw != std::end(raw_rows)) {
        out.kind = Kind::plain_template;
        out.text = raw->second;
    } else if (option == "json") {
        out.kind = Kind::json;
    } else if (!option.empty() && !option.starts_with("table")) {
        out.kind = Kind::plain_template;
        out.text = unescaped(trimmed(option));
    } else if (!option.empty()) {
        out.text = unescaped(trimmed(option.substr(std::string_view("table").size())));
        if (!out.text.empty()) out.kind = Kind::table_template;
    }
    return out;
}

std::string render_list(const ListFormat& format, const std::vector<PlainJson>& rows,
                        const std::vector<std::string>& columns, const PlainJson& headers) {
    try {
        return rendered(format, rows, columns, headers);
    } catch (const Error& e) {
        const std::string text = e.what();
        if (format.row_type.empty() || text.find("can't evaluate field ") == std::string::npos) throw;
        if (text.find(" in type ") != std::string::npos) throw;
        throw error(Errc::usage, "{} in type *{}", text, format.row_type);
    }
}

} // namespace davit::cli
