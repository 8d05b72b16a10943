#include "build/image_form.hpp"

#include "base/build_entries.hpp"
#include "base/error.hpp"
#include "image/platform.hpp"

#include <optional>
#include <string_view>

namespace davit::build {

namespace {

struct AnnotationName {
    std::string type; // "manifest", "index-descriptor" …
    std::string platform, key;
};

// annotation[-TYPE][[PLATFORM]].KEY
std::optional<AnnotationName> annotation_name(std::string_view attribute) {
    constexpr std::string_view begin = "annotation";
    if (!attribute.starts_with(begin)) return std::nullopt;
    attribute.remove_prefix(begin.size());
    AnnotationName out{"manifest", "", ""};
    if (attribute.starts_with('-')) {
        const std::size_t end = attribute.find_first_of("[.");
        if (end == std::string_view::npos) return std::nullopt;
        out.type = attribute.substr(1, end - 1);
        attribute.remove_prefix(end);
    }
    if (attribute.starts_with('[')) {
        const std::size_t end = attribute.find(']');
        if (end == std::string_view::npos) return std::nullopt;
        out.platform = attribute.substr(1, end - 1);
        attribute.remove_prefix(end + 1);
    }
    if (!attribute.starts_with('.') || attribute.size() == 1) return std::nullopt;
    out.key = attribute.substr(1);
    const bool known = out.type == "manifest" || out.type == "manifest-descriptor" || out.type == "index" ||
                       out.type == "index-descriptor";
    return known ? std::optional(std::move(out)) : std::nullopt;
}

bool says(const BuildOutput& output, const char* key, bool value) {
    const auto it = output.attributes.find(key);
    return it != output.attributes.end() && parse_go_bool(it->second) == value;
}

image::BlobForm compression_of(const std::string& text) {
    if (text == "gzip" || text == "estargz") return image::BlobForm::gzip; // which stargz files are as well
    if (text == "zstd") return image::BlobForm::zstd;
    if (text == "uncompressed") return image::BlobForm::plain;
    throw error(Errc::usage, "unsupported compression type {}", text).with_hint("gzip, zstd, uncompressed");
}

} // namespace

Annotations ImageForm::of(const std::map<std::string, Annotations>& all, const std::string& platform) {
    Annotations out;
    if (const auto it = all.find(""); it != all.end()) out = it->second;
    if (const auto it = all.find(platform); it != all.end())
        for (const auto& [key, value] : it->second) out[key] = value;
    return out;
}

ImageForm image_form(const BuildOutput& output) {
    ImageForm out;
    out.docker = says(output, "oci-mediatypes", false);
    out.force = says(output, "force-compression", true);
    out.blobs = out.force || output.type == BuildOutput::Type::oci ||
                (output.type == BuildOutput::Type::docker && !output.destination.empty());
    if (const auto it = output.attributes.find("compression"); it != output.attributes.end() && !it->second.empty()) {
        out.compression = compression_of(it->second);
        out.blobs = true;
    }
    for (const auto& [attribute, value] : output.attributes) {
        const auto name = annotation_name(attribute);
        if (!name) continue;
        const std::string platform =
            name->platform.empty() ? "" : image::to_string(image::parse_platform(name->platform));
        if (name->type == "index") out.index[name->key] = value;
        else if (name->type == "index-descriptor") out.index_descriptor[name->key] = value;
        else if (name->type == "manifest") out.manifest[platform][name->key] = value;
        else out.manifest_descriptor[platform][name->key] = value;
    }
    return out;
}

} // namespace davit::build
