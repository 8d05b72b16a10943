#include "cli/format/image_list.hpp"

#include "base/date.hpp"
#include "base/glob.hpp"
#include "base/printable.hpp"
#include "cli/format/container.hpp"
#include "cli/format/size.hpp"
#include "cli/format/table.hpp"
#include "cli/format/time.hpp"
#include "davit/images.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace davit::cli {

namespace {

using ImageRow = nlohmann::json;

std::string digest_of(const image::Image& image, const std::string& repository) {
    for (const std::string& d : image.digests)
        if (d.starts_with(repository + "@")) return d.substr(repository.size() + 1);
    return "<none>";
}

std::string padded(const std::string& text, std::size_t width, bool right = false) {
    const std::string fill(width - std::min(width, display_width(text)), ' ');
    return right ? fill + text : text + fill;
}

} // namespace

std::string age_text(const std::string& created, std::int64_t now_ns) {
    const auto time = parse_rfc3339(created);
    return time ? human_duration(std::chrono::nanoseconds(now_ns - *time)) + " ago" : "N/A";
}

std::vector<ImageRow> image_rows(const image::Image& image, std::int64_t now_ns, bool truncate) {
    ImageRow row;
    row["Containers"] = row["SharedSize"] = row["UniqueSize"] = "N/A";
    row["ID"] = truncate ? short_id(image.id) : image.id;
    const auto created = parse_rfc3339(image.created);
    row["CreatedAt"] = created ? go_time(*created) : "N/A";
    row["CreatedSince"] = age_text(image.created, now_ns);
    row["Size"] = human_size(static_cast<double>(image.size), 3);
    row["Repository"] = row["Tag"] = row["Digest"] = "<none>";
    std::vector<ImageRow> out;
    for (const std::string& tag : image.tags) {
        const ImageName name = parse_image_name(tag);
        row["Repository"] = name.repository;
        row["Tag"] = name.tag;
        row["Digest"] = digest_of(image, name.repository);
        out.push_back(row);
    }
    if (!out.empty()) return out;
    if (!image.digests.empty()) {
        const ImageName name = parse_image_name(image.digests.front());
        row["Repository"] = name.repository;
        row["Digest"] = name.digest;
    }
    return {row};
}

const ImageRow& image_headers() {
    static const ImageRow headers{{"Repository", "REPOSITORY"},
                                  {"Tag", "TAG"},
                                  {"Digest", "DIGEST"},
                                  {"ID", "IMAGE ID"},
                                  {"CreatedSince", "CREATED"},
                                  {"CreatedAt", "CREATED AT"},
                                  {"Size", "SIZE"},
                                  {"Containers", "CONTAINERS"},
                                  {"SharedSize", "SHARED SIZE"},
                                  {"UniqueSize", "UNIQUE SIZE"}};
    return headers;
}

bool is_named_by(const ImageRow& row, const std::string& pattern) {
    if (pattern.empty()) return true;
    const auto name = try_parse_image_name(pattern);
    const std::string repository = row.at("Repository"), tag = row.at("Tag");
    if (name && pattern.find_first_of("*?[") == std::string::npos) {
        const bool any_tag =
            pattern.find(':', pattern.find('/') == std::string::npos ? 0 : pattern.rfind('/')) == std::string::npos;
        return repository == name->repository && (any_tag || tag == name->tag);
    }
    return glob_match(pattern, repository) || glob_match(pattern, repository + ":" + tag);
}

std::string image_overview(const std::vector<ImageLine>& lines) {
    constexpr std::size_t id = 12, disk = 10, content = 12, extra = 5;
    constexpr const char* gap = "   ";
    std::size_t widest = display_width("IMAGE");
    for (const ImageLine& line : lines) widest = std::max(widest, display_width(printable(line.name)));
    std::string out =
        padded("IMAGE", widest) + gap + padded("ID", id) + gap + "DISK USAGE" + gap + "CONTENT SIZE" + gap + "EXTRA\n";
    for (const ImageLine& line : lines)
        out += padded(printable(line.name), widest) + gap + padded(line.id, id) + gap +
               padded(line.disk_use, disk, true) + gap + padded(line.content, content, true) + gap +
               padded(line.in_use ? "U" : "", extra) + "\n";
    return out;
}

} // namespace davit::cli
