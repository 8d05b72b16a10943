#include "davit/merged.hpp"

#include "compose/loader.hpp"
#include "compose/template.hpp"
#include "yaml/print.hpp"

#include <span>
#include <string_view>

namespace davit {

struct MergedFiles::Impl {
    compose::LoadedTree loaded;
};

namespace {

void collect_from(const yaml::Node& n, std::map<std::string, compose::Variable>& out) {
    if (n.is_string()) compose::collect_variables(n.str(), out);
    for (const yaml::Node* item : n.list()) collect_from(*item, out);
    for (const yaml::Entry& e : n.map()) collect_from(*e.value, out);
}

std::span<const yaml::Entry> services_of(const yaml::Node& root) {
    const yaml::Node* services = root.find("services");
    return services ? std::span<const yaml::Entry>(services->map()) : std::span<const yaml::Entry>();
}

yaml::Entry* image_of(const yaml::Entry& service) {
    yaml::Entry* image = service.value->find_entry("image");
    return image && !image->value->str().empty() ? image : nullptr;
}

void drop_others(yaml::Node& map, std::string_view kept) {
    for (std::size_t i = map.map().size(); i > 0; --i)
        if (map.map()[i - 1].key != kept) map.erase(map.map()[i - 1].key);
}

std::string print_as(RenderFormat format, const yaml::Node& root, bool escape) {
    return format == RenderFormat::json ? yaml::print_json(root, escape) : yaml::print_yaml(root, escape);
}

} // namespace

MergedFiles::MergedFiles(const LoadOptions& options) : impl_(new Impl{compose::load_tree(options)}) {}
MergedFiles::~MergedFiles() = default;
MergedFiles::MergedFiles(MergedFiles&&) noexcept = default;
MergedFiles& MergedFiles::operator=(MergedFiles&&) noexcept = default;

std::vector<Diagnostic> MergedFiles::check() {
    impl_->loaded.diagnostics->throw_if_errors();
    return impl_->loaded.diagnostics->take_warnings();
}

std::vector<std::string> MergedFiles::services() const {
    std::vector<std::string> out;
    for (const yaml::Entry& service : services_of(*impl_->loaded.root)) out.emplace_back(service.key);
    return out;
}

std::vector<ImageUse> MergedFiles::images() const {
    std::vector<ImageUse> out;
    for (const yaml::Entry& service : services_of(*impl_->loaded.root))
        if (const yaml::Entry* image = image_of(service))
            out.push_back({std::string(image->value->str()), impl_->loaded.tree->where(image->value->pos)});
    return out;
}

std::map<std::string, TemplateVariable> MergedFiles::variables() const {
    std::map<std::string, compose::Variable> found;
    for (const yaml::Entry& e : impl_->loaded.root->map())
        if (e.key != "name") collect_from(*e.value, found); // the project's name is settled before
    std::map<std::string, TemplateVariable> out;
    for (auto& [name, v] : found) out[name] = {v.name, v.default_value, v.alternate_value, v.required};
    return out;
}

void MergedFiles::rename_images(const std::map<std::string, std::string>& names) {
    for (const yaml::Entry& service : services_of(*impl_->loaded.root)) {
        yaml::Entry* image = image_of(service);
        const auto found = image ? names.find(std::string(image->value->str())) : names.end();
        if (found != names.end()) image->value = impl_->loaded.tree->string(found->second);
    }
}

void MergedFiles::keep_images() {
    drop_others(*impl_->loaded.root, "services");
    for (const yaml::Entry& service : services_of(*impl_->loaded.root)) drop_others(*service.value, "image");
}

std::string MergedFiles::render(RenderFormat format) const {
    yaml::sort_keys(*impl_->loaded.root); // not in the order of the files: as a Project is shown
    return print_as(format, *impl_->loaded.root, false);
}

std::string render_images(const Project& project, RenderFormat format) {
    yaml::Tree tree;
    yaml::Node* services = tree.map();
    for (const auto& [name, service] : project.services) {
        yaml::Node* one = tree.map();
        if (!service.image.empty()) tree.add(*one, "image", tree.string(service.image));
        tree.add(*services, tree.copy(name), one);
    }
    yaml::Node* root = tree.map();
    tree.add(*root, "services", services);
    return print_as(format, *root, true);
}

std::string render_variables(const std::map<std::string, TemplateVariable>& variables, RenderFormat format) {
    const bool json = format == RenderFormat::json;
    yaml::Tree tree;
    yaml::Node* root = tree.map();
    for (const auto& [name, v] : variables) {
        yaml::Node* one = tree.map();
        tree.add(*one, json ? "Name" : "name", tree.string(v.name));
        tree.add(*one, json ? "DefaultValue" : "defaultvalue", tree.string(v.default_value));
        tree.add(*one, json ? "PresenceValue" : "presencevalue", tree.string(v.alternate_value));
        tree.add(*one, json ? "Required" : "required", tree.boolean(v.required));
        tree.add(*root, tree.copy(name), one);
    }
    constexpr std::size_t step = 4; // Compose's library prints a bare structure so
    return json ? yaml::print_json(*root, false) : yaml::print_yaml(*root, false, step);
}

} // namespace davit
