package com.example;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Spring Security through whole logins at the profile {@code idporten}. Standard input: the line that
 * {@code portvakt dev --json --catalogue …} prints. Ends with 1 if a scene fails.
 */
public final class WholeLogin {

    private WholeLogin() {}

    /** Something that is tried out; its name says what must be so. */
    interface Scene {
        void play(Stage stage) throws Exception;
    }

    /**
     * Runs every scene, and tells of each.
     *
     * @param args not read
     * @throws IOException when there is no line to read
     */
    public static void main(String[] args) throws IOException {
        JsonNode dev = JsonMapper.shared().readTree(System.in.readAllBytes());
        Map<String, Scene> scenes = new LinkedHashMap<>();
        LoginScenes.addTo(scenes);
        ApiScenes.addTo(scenes);
        RefreshScenes.addTo(scenes);
        List<String> failed = new ArrayList<>();
        try (Stage stage = Stage.open(dev)) {
            scenes.forEach((name, scene) -> {
                try {
                    scene.play(stage);
                    System.out.println("ok      " + name);
                } catch (Exception | AssertionError why) {
                    failed.add(name);
                    System.out.println("FAILED  " + name + ": " + why);
                }
            });
        }
        System.out.println(scenes.size() - failed.size() + " passed, " + failed.size() + " failed");
        System.exit(failed.isEmpty() ? 0 : 1);
    }
}
